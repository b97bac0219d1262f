/*
 * The one who makes the keys of a fleet: rotate REDIS_PORT START PERIOD
 *
 * Key i encrypts from START + i * PERIOD on (Unix seconds), and decrypts for two periods. It is
 * published a period before that, so that every server has it when its time comes. Goes on until it
 * is ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "keys.h"

static void sleep_until(uint64_t when)
{
    struct timespec pause = {.tv_sec = 0, .tv_nsec = 20 * 1000 * 1000};

    while ((uint64_t)time(NULL) < when)
        nanosleep(&pause, NULL);
}

int main(int argc, char **argv)
{
    redisContext *redis;
    uint64_t start, period;

    if (argc != 4) {
        fprintf(stderr, "usage: rotate REDIS_PORT START PERIOD\n");
        return EXIT_FAILURE;
    }
    redis = keys_open(argv[1]);
    start = strtoull(argv[2], NULL, 10);
    period = strtoull(argv[3], NULL, 10);
    for (uint64_t i = 0;; i++) {
        uint64_t from = start + i * period;
        tls_ticket_key_t key = keys_make(from, from + 2 * period);

        sleep_until(from - period);
        if (keys_publish(redis, &key) != 0) {
            fprintf(stderr, "rotate: the key could not be published\n");
            return EXIT_FAILURE;
        }
        keys_wipe(&key, sizeof(key));
    }
}

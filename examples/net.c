#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int net_listen_loopback(uint16_t port, uint16_t *bound_port)
{
    struct sockaddr_in address;
    socklen_t address_len = sizeof(address);
    int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0)
        return -1;
    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &address_len) != 0 ||
        set_nonblocking(fd) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    *bound_port = ntohs(address.sin_port);
    return fd;
}

int net_accept(int listener)
{
    int fd = accept(listener, NULL, NULL);

    if (fd >= 0 && set_nonblocking(fd) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int net_connect(const char *host, const char *port, int timeout_s)
{
    struct addrinfo hints, *found, *address;
    struct timeval timeout = {.tv_sec = timeout_s, .tv_usec = 0};
    int error, fd = -1;

    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    error = getaddrinfo(host, port, &hints, &found);
    if (error != 0) {
        fprintf(stderr, "%s: %s\n", host, gai_strerror(error));
        return -1;
    }
    for (address = found; address != NULL; address = address->ai_next) {
        fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
        if (fd < 0)
            continue;
        /* Linux lets the send timeout bound connect() as well. */
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
        if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
            break;
        error = errno;
        close(fd);
        errno = error;
        fd = -1;
    }
    if (fd < 0)
        fprintf(stderr, "%s:%s: %s\n", host, port, strerror(errno));
    freeaddrinfo(found);
    return fd;
}

int64_t net_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int net_parse_number(const char *text, uint64_t max, uint64_t *value)
{
    uint64_t number = 0;

    if (*text == '\0')
        return -1;
    for (; *text != '\0'; text++) {
        uint64_t digit = (uint64_t)(*text - '0');

        if (*text < '0' || *text > '9' || number > (max - digit) / 10)
            return -1;
        number = number * 10 + digit;
    }
    *value = number;
    return 0;
}

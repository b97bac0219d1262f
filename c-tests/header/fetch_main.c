/* Connects a socket and hands it to the header's example: fetch ADDRESS PORT HOST CA_FILE
 *
 * The socket does not block, and send() is one of the worst kind: it takes seven bytes at a time,
 * and before that it says that a signal came, and that there is no room. Nothing may be lost by
 * that. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int fetch(int fd, const char *host, const char *ca_file);

/* In the place of the C library's, for the example. */
ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    static unsigned calls;
    unsigned call = calls++ % 3;

    if (call < 2) {
        errno = call == 0 ? EINTR : EAGAIN;
        return -1;
    }
    return sendto(fd, bytes, len < 7 ? len : 7, flags, NULL, 0);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    if (argc != 5 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
        fprintf(stderr, "usage: fetch IPV4_ADDRESS PORT HOST CA_FILE\n");
        return 2;
    }
    address.sin_port = htons((unsigned short)strtoul(argv[2], NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        perror("connect");
        return 2;
    }
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) {
        perror("fcntl");
        return 2;
    }
    int result = fetch(fd, argv[3], argv[4]);
    close(fd);
    return fflush(stdout) == 0 && result == 0 ? 0 : 1;
}

#include "socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, LINGER_MS = 2000 };

/* TLSBIO_PATIENCE times as long on a busy machine (scripts/patience.sh). */
static int patient(int ms)
{
    const char *factor = getenv("TLSBIO_PATIENCE");
    int times = factor ? atoi(factor) : 1;

    return ms * (times > 0 ? times : 1);
}

static int complain(const char *what, int fd)
{
    fprintf(stderr, "peer: %s: %s\n", what, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static struct addrinfo *resolve(const char *host, const char *port)
{
    struct addrinfo hints;
    struct addrinfo *found = NULL;
    int error;

    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    error = getaddrinfo(host, port, &hints, &found);
    if (error) {
        fprintf(stderr, "peer: %s:%s: %s\n", host, port, gai_strerror(error));
        return NULL;
    }
    return found;
}

static int prepare(int fd)
{
    int on = 1;

    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        return complain("fcntl", fd);
    /* Nagle's algorithm would hold the small records of an echo back for the peer's delayed ACK. */
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
        return complain("TCP_NODELAY", fd);
    return fd;
}

int socket_connect(const char *host, const char *port)
{
    struct addrinfo *to = resolve(host, port);
    int fd;

    if (!to)
        return -1;
    fd = socket(to->ai_family, to->ai_socktype, 0);
    if (fd < 0 || connect(fd, to->ai_addr, to->ai_addrlen) != 0) {
        freeaddrinfo(to);
        return complain("connect", fd);
    }
    freeaddrinfo(to);
    return prepare(fd);
}

int socket_listen(const char *host, const char *port)
{
    struct addrinfo *at = resolve(host, port);
    int fd;

    if (!at)
        return -1;
    fd = socket(at->ai_family, at->ai_socktype, 0);
    if (fd < 0 || bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, 16) != 0) {
        freeaddrinfo(at);
        return complain("listen", fd);
    }
    freeaddrinfo(at);
    return fd;
}

int socket_accept(int listener)
{
    int fd = accept(listener, NULL, NULL);

    return fd < 0 ? complain("accept", -1) : prepare(fd);
}

int socket_port(int listener)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);

    if (getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        return complain("getsockname", -1);
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

bool socket_wait(int fd, short events, short *revents)
{
    struct pollfd one = {.fd = fd, .events = events};
    int ready;

    do
        ready = poll(&one, 1, patient(PATIENCE_MS));
    while (ready < 0 && errno == EINTR);
    *revents = one.revents;
    return ready > 0;
}

void socket_finish(int fd)
{
    char rest[4096];
    struct pollfd one = {.fd = fd, .events = POLLIN};

    shutdown(fd, SHUT_WR);
    while (poll(&one, 1, patient(LINGER_MS)) > 0 && recv(fd, rest, sizeof(rest), 0) > 0)
        continue;
    close(fd);
}

#include "handover.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

extern char **environ;

/* Room for one descriptor, aligned as the system wants it. */
union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static int send_all(int channel, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(channel, bytes, len, MSG_NOSIGNAL);

        if (sent < 0 && errno != EINTR)
            return -1;
        if (sent > 0) {
            bytes += sent;
            len -= (size_t)sent;
        }
    }
    return 0;
}

int handover_send(int channel, const struct message *message, int fd, const void *kept,
                  const void *blob)
{
    struct iovec header = {(void *)message, sizeof(*message)};
    struct msghdr parts = {.msg_iov = &header, .msg_iovlen = 1};
    union control control;
    ssize_t sent;

    if (fd >= 0) {
        struct cmsghdr *descriptor;

        memset(&control, 0, sizeof(control));
        parts.msg_control = control.bytes;
        parts.msg_controllen = sizeof(control.bytes);
        descriptor = CMSG_FIRSTHDR(&parts);
        descriptor->cmsg_level = SOL_SOCKET;
        descriptor->cmsg_type = SCM_RIGHTS;
        descriptor->cmsg_len = CMSG_LEN(sizeof(fd));
        memcpy(CMSG_DATA(descriptor), &fd, sizeof(fd));
    }
    do
        sent = sendmsg(channel, &parts, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    /* The descriptor has gone with the first byte; a header that was cut is completed. */
    if (sent <= 0 ||
        send_all(channel, (const char *)message + sent, sizeof(*message) - (size_t)sent) != 0 ||
        send_all(channel, kept, message->kept_len) != 0)
        return -1;
    return send_all(channel, blob, message->blob_len);
}

int handover_read(int channel, void *bytes, size_t len)
{
    char *place = bytes;

    while (len > 0) {
        ssize_t got = recv(channel, place, len, 0);

        if (got == 0)
            errno = ECONNRESET;
        if (got == 0 || (got < 0 && errno != EINTR))
            return -1;
        if (got > 0) {
            place += got;
            len -= (size_t)got;
        }
    }
    return 0;
}

int handover_receive(int channel, struct message *message, int *fd)
{
    struct iovec header = {message, sizeof(*message)};
    union control control;
    struct msghdr parts = {.msg_iov = &header,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *descriptor;
    ssize_t got;

    *fd = -1;
    do
        got = recvmsg(channel, &parts, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0) {
        if (got == 0)
            errno = ECONNRESET;
        return -1;
    }
    descriptor = CMSG_FIRSTHDR(&parts);
    if (descriptor != NULL && descriptor->cmsg_level == SOL_SOCKET &&
        descriptor->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(descriptor), sizeof(*fd));
    return handover_read(channel, (char *)message + got, sizeof(*message) - (size_t)got);
}

int handover_start(char *const argv[])
{
    posix_spawn_file_actions_t actions;
    int pair[2], error;
    pid_t child;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return -1;
    /* A descriptor that is already in its place would be closed with the others. */
    if (pair[1] == HANDOVER_FD) {
        int moved = fcntl(pair[1], F_DUPFD_CLOEXEC, HANDOVER_FD + 1);

        close(pair[1]);
        pair[1] = moved;
    }
    error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(&actions, pair[1], HANDOVER_FD);
        if (error == 0)
            error = posix_spawn(&child, argv[0], &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    close(pair[1]);
    if (error != 0) {
        close(pair[0]);
        errno = error;
        return -1;
    }
    return pair[0];
}

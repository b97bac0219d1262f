/*
 * A server whose key is in a security module: server CHAIN.pem SIGNER [CONNECTIONS]
 *
 * It has the certificates of CHAIN.pem and no key. Where a signature is needed the connection asks
 * (TLS_ASK_SIGN); the program SIGNER, a process of its own that alone can reach the key, gets the
 * scheme as its argument and the message on its standard input, and prints the signature. sign.sh
 * is one for PKCS#11 tokens.
 *
 * For each connection it prints what was signed, sends one line, and closes. One connection after
 * the other: a server with many answers when its signer has, and serves others meanwhile; nothing
 * waits but the connection that asked.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tlsbio.h>

enum { MOST_SIGNATURE = 1024 };

/* Runs the signer with the message in a file; both ends of a pipe in one thread could wait for each
 * other. */
static ptrdiff_t sign(const char *signer, uint16_t scheme, FILE *message, unsigned char *signature)
{
    int from_child[2], status;
    size_t len = 0;
    ssize_t got;
    pid_t child;

    if (pipe(from_child) != 0)
        return -1;
    child = fork();
    if (child == 0) {
        char number[8];

        snprintf(number, sizeof(number), "0x%04x", scheme);
        dup2(fileno(message), STDIN_FILENO);
        dup2(from_child[1], STDOUT_FILENO);
        close(from_child[0]);
        close(from_child[1]);
        execlp(signer, signer, number, (char *)NULL);
        _exit(127);
    }
    close(from_child[1]);
    while (len < MOST_SIGNATURE &&
           (got = read(from_child[0], signature + len, MOST_SIGNATURE - len)) > 0)
        len += (size_t)got;
    close(from_child[0]);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return -1;
    return (ptrdiff_t)len;
}

/* Answers TLS_ASK_SIGN: with a signature, or by ending the handshake if there is none. */
static void answer(tls_conn_t *conn, const char *signer)
{
    unsigned char message[65536], signature[MOST_SIGNATURE];
    ptrdiff_t len = tls_sign_message(conn, message, sizeof(message));
    uint16_t scheme = tls_sign_scheme(conn);
    FILE *file = tmpfile();

    if (file != NULL && len > 0 && (size_t)len <= sizeof(message) &&
        fwrite(message, 1, (size_t)len, file) == (size_t)len && fflush(file) == 0) {
        rewind(file);
        len = sign(signer, scheme, file, signature);
    } else {
        len = -1;
    }
    if (file != NULL)
        fclose(file);
    if (len > 0)
        tls_answer_sign(conn, signature, (size_t)len);
    else
        tls_answer_refuse(conn, 40);
    printf("signed with scheme 0x%04x: %s\n", scheme, len > 0 ? "yes" : "no");
}

static void serve(tls_conn_t *conn, int fd, const char *signer)
{
    static const char line[] = "signed by a key that is not here\n";
    char wire[16384];
    tls_error_t error = {.size = sizeof(error)};
    uint32_t state;
    int said = 0;

    while (((state = tls_state(conn)) &
            (TLS_ASKING | TLS_CAN_DRAIN | TLS_CAN_READ | TLS_CAN_FEED)) != 0) {
        ptrdiff_t n;

        if (state & TLS_ASKING) {
            answer(conn, signer);
        } else if (state & TLS_CAN_WRITE && !said) {
            said = tls_write_from(conn, line, sizeof(line) - 1) > 0;
            tls_close_notify(conn);
        } else if (state & TLS_CAN_DRAIN && (n = tls_drain_into(conn, wire, sizeof(wire))) > 0) {
            send(fd, wire, (size_t)n, MSG_NOSIGNAL);
        } else if (state & TLS_CAN_READ) {
            tls_read_into(conn, wire, sizeof(wire));
        } else if ((n = recv(fd, wire, sizeof(wire), 0)) <= 0 ||
                   tls_feed(conn, wire, (size_t)n) != n) {
            tls_feed_eof(conn);
        }
    }
    tls_conn_error(conn, &error);
    printf("ended: %s %s\n", tls_status_name(error.status), error.message);
    fflush(stdout);
}

static tls_context_t *make_context(const char *path)
{
    static char chain[65536];
    FILE *file = fopen(path, "rb");
    size_t len = file != NULL ? fread(chain, 1, sizeof(chain), file) : 0;
    tls_error_t error = {.size = sizeof(error)};
    tls_builder_t *builder = tls_builder_new();
    tls_context_t *context = NULL;

    if (file != NULL)
        fclose(file);
    if (tls_builder_identity_external(builder, chain, len) == TLS_OK)
        context = tls_context_server(builder, &error);
    else
        tls_builder_error(builder, &error);
    if (context == NULL)
        fprintf(stderr, "%s: %s\n", path, error.message);
    tls_builder_free(builder);
    return context;
}

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 8) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return -1;
    printf("listening %u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    tls_context_t *context = argc > 2 ? make_context(argv[1]) : NULL;
    int connections = argc > 3 ? atoi(argv[3]) : 1;
    int listener;

    if (context == NULL) {
        fprintf(stderr, "usage: %s CHAIN.pem SIGNER [CONNECTIONS]\n", argv[0]);
        return EXIT_FAILURE;
    }
    listener = listen_on_loopback();
    if (listener < 0) {
        perror("listen");
        return EXIT_FAILURE;
    }
    while (connections-- > 0) {
        int fd = accept(listener, NULL, NULL);
        tls_conn_t *conn = tls_server_new(context, NULL);

        serve(conn, fd, argv[2]);
        tls_free(conn);
        close(fd);
    }
    close(listener);
    tls_context_free(context);
    return EXIT_SUCCESS;
}

/* Connects a socket and hands it to the header's example: fetch ADDRESS PORT HOST CA_FILE */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int fetch(int fd, const char *host, const char *ca_file);

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
    int result = fetch(fd, argv[3], argv[4]);
    close(fd);
    return fflush(stdout) == 0 && result == 0 ? 0 : 1;
}

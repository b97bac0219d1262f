#include "pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static const char *directory;

void pki_set(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s PKI_DIRECTORY (made by tests/pki/make.sh)\n", argv[0]);
        exit(2);
    }
    directory = argv[1];
}

const char *pki_path(const char *name)
{
    static char paths[4][1024];
    static unsigned next;
    char *path = paths[next++ % 4];
    int len = snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);

    CHECK(len > 0 && (size_t)len < sizeof(paths[0]));
    return path;
}

char *pki_read(const char *name, size_t *len)
{
    FILE *file = fopen(pki_path(name), "rb");
    char *text = malloc(65536);

    if (file == NULL)
        perror(pki_path(name));
    CHECK(file != NULL && text != NULL);
    *len = fread(text, 1, 65535, file);
    CHECK(*len > 0 && feof(file));
    fclose(file);
    text[*len] = '\0';
    return text;
}

static int base64_value(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c != '\0' ? strchr(digits, c) : NULL;

    return found != NULL ? (int)(found - digits) : -1;
}

unsigned char *pki_der(const char *name, size_t *len)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    size_t text_len;
    char *text = pki_read(name, &text_len);
    const char *at = strstr(text, begin);
    unsigned char *der = malloc(text_len);
    unsigned bits = 0, collected = 0;

    CHECK(at != NULL && der != NULL);
    *len = 0;
    for (at += strlen(begin); *at != '-' && *at != '='; at++) {
        int value = base64_value(*at);

        if (value < 0)
            continue;
        collected = collected << 6 | (unsigned)value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            der[(*len)++] = (unsigned char)(collected >> bits);
        }
    }
    free(text);
    return der;
}

#include "retry_watch.h"

/* RFC 8446, section 4.1.3: the random of a ServerHello that is a HelloRetryRequest. Its first byte
 * does not come again in the first 19, and the rest cannot be reached by chance, so a plain restart
 * finds it. */
static const unsigned char retry_random[32] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

void retry_watch_look(struct retry_watch *watch, const void *wire, size_t len)
{
    const unsigned char *byte = wire;

    for (size_t i = 0; i < len && !watch->seen; i++) {
        if (byte[i] != retry_random[watch->matched])
            watch->matched = 0;
        if (byte[i] == retry_random[watch->matched])
            watch->matched++;
        watch->seen = watch->matched == sizeof(retry_random);
    }
}

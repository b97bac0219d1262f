/* The numbers that the contract fixes: in the header, in the twins for bindings, and by name. That
 * every other macro has its twin is checked by the tests of the header. */
#include <stdint.h>
#include <string.h>

#include <tlsbio.h>

#include "check.h"

struct constant {
    const char *name;
    int64_t macro, fixed;
};

#define CONSTANT(name, fixed)                                                                      \
    {                                                                                              \
#name, (name), (fixed)                                                                     \
    }

static const struct constant statuses[] = {
    CONSTANT(TLS_OK, 0),
    CONSTANT(TLS_WANT_FEED, -1),
    CONSTANT(TLS_WANT_DRAIN, -2),
    CONSTANT(TLS_ASK_CONTEXT, -3),
    CONSTANT(TLS_ASK_VERIFY, -4),
    CONSTANT(TLS_ASK_SIGN, -5),
    CONSTANT(TLS_CLOSED, -10),
    CONSTANT(TLS_TRUNCATED, -11),
    CONSTANT(TLS_ERR_ARGUMENT, -20),
    CONSTANT(TLS_ERR_HANDLE, -21),
    CONSTANT(TLS_ERR_STATE, -22),
    CONSTANT(TLS_ERR_BUSY, -23),
    CONSTANT(TLS_ERR_MEMORY, -24),
    CONSTANT(TLS_ERR_LIMIT, -25),
    CONSTANT(TLS_ERR_CONFIG, -30),
    CONSTANT(TLS_ERR_IO, -31),
    CONSTANT(TLS_ERR_PEER, -40),
    CONSTANT(TLS_ERR_ALERT, -41),
    CONSTANT(TLS_ERR_CERTIFICATE, -42),
    CONSTANT(TLS_ERR_DECRYPT, -43),
    CONSTANT(TLS_ERR_NO_COMMON, -44),
    CONSTANT(TLS_ERR_INTERNAL, -50),
};

static const struct constant modes_and_bits[] = {
    CONSTANT(TLS_CLIENT_AUTH_NONE, 0),
    CONSTANT(TLS_CLIENT_AUTH_OPTIONAL, 1),
    CONSTANT(TLS_CLIENT_AUTH_REQUIRED, 2),
    CONSTANT(TLS_VERIFY_PEER, 0),
    CONSTANT(TLS_VERIFY_ASK, 1),
    CONSTANT(TLS_VERIFY_DANGEROUS_NONE, 2),
    CONSTANT(TLS_CAN_FEED, 1),
    CONSTANT(TLS_CAN_DRAIN, 2),
    CONSTANT(TLS_CAN_READ, 4),
    CONSTANT(TLS_CAN_WRITE, 8),
    CONSTANT(TLS_HANDSHAKING, 16),
    CONSTANT(TLS_ASKING, 32),
    CONSTANT(TLS_PEER_CLOSED, 64),
    CONSTANT(TLS_WE_CLOSED, 128),
    CONSTANT(TLS_EOF, 256),
    CONSTANT(TLS_FAILED, 512),
    CONSTANT(TLS_HAS_EVENT, 1024),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void check_constant(const struct constant *constant)
{
    int64_t twin = INT64_MIN;

    CHECK_EQ(constant->macro, constant->fixed);
    CHECK_EQ(tls_constant(constant->name, &twin), TLS_OK);
    CHECK_EQ(twin, constant->fixed);
}

static void the_fixed_numbers_are_kept(void)
{
    for (size_t i = 0; i < COUNT(statuses); i++)
        check_constant(&statuses[i]);
    for (size_t i = 0; i < COUNT(modes_and_bits); i++)
        check_constant(&modes_and_bits[i]);
}

static void every_status_knows_its_name(void)
{
    for (size_t i = 0; i < COUNT(statuses); i++)
        CHECK_EQ(strcmp(tls_status_name((tls_status_t)statuses[i].fixed), statuses[i].name), 0);
}

static void what_does_not_exist_is_said_so(void)
{
    int64_t value = 12345;

    CHECK_EQ(tls_constant("TLS_NO_SUCH_THING", &value), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_constant("", &value), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_constant("tls_ok", &value), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_constant(NULL, &value), TLS_ERR_ARGUMENT);
    CHECK_EQ(tls_constant("TLS_OK", NULL), TLS_ERR_ARGUMENT);
    CHECK_EQ(value, 12345);
    CHECK(tls_status_name(-9999) != NULL);
    CHECK(tls_status_name(1) != NULL);
    CHECK(tls_status_name(INT32_MIN) != NULL);
}

static void the_library_has_a_version(void)
{
    CHECK(tls_version_number() != 0);
}

int main(void)
{
    RUN(the_fixed_numbers_are_kept);
    RUN(every_status_knows_its_name);
    RUN(what_does_not_exist_is_said_so);
    RUN(the_library_has_a_version);
    return 0;
}

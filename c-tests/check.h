/* The checks of the C tests. The first one that fails says where and what, and ends the program. */
#ifndef C_TESTS_CHECK_H
#define C_TESTS_CHECK_H

#include <stddef.h>

#define CHECK(condition) check_true((condition) != 0, #condition, __FILE__, __LINE__)

/* For numbers of any integer type; a negative one is printed with its status name. */
#define CHECK_EQ(actual, expected)                                                                 \
    check_equal((long long)(actual), (long long)(expected), #actual, #expected, __FILE__, __LINE__)

#define CHECK_BYTES(actual, expected, len)                                                         \
    check_bytes((actual), (expected), (len), #actual, __FILE__, __LINE__)

/* Runs one case and prints its name, so that a failure or a hang is at once placed. */
#define RUN(test) (check_begin_case(#test), test())

/* How long nothing may happen before it is taken for a hang: on a busy machine TLSBIO_PATIENCE
 * times as long. */
unsigned check_patience(unsigned seconds);

void check_true(int holds, const char *text, const char *file, int line);
void check_equal(long long actual, long long expected, const char *actual_text,
                 const char *expected_text, const char *file, int line);
void check_bytes(const void *actual, const void *expected, size_t len, const char *text,
                 const char *file, int line);
void check_begin_case(const char *name);

#endif

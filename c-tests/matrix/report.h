/* What the test says: one line per failed check, with the cell that it belongs to. */
#ifndef REPORT_H
#define REPORT_H

#include <stddef.h>

#if defined(__GNUC__)
#define REPORT_FORMAT __attribute__((format(printf, 1, 2)))
#else
#define REPORT_FORMAT
#endif

/* Names what the following failures belong to. */
void report_about(const char *format, ...) REPORT_FORMAT;
void report_failure(const char *format, ...) REPORT_FORMAT;
size_t report_failures(void);

/* How long nothing may happen before it is taken for a hang: TLSBIO_PATIENCE times as long on a
 * busy machine, as in ../check.h. */
unsigned report_patience(unsigned time);

/* The set-up is impossible: prints the reason and ends the program with status 2. */
_Noreturn void give_up(const char *format, ...) REPORT_FORMAT;

#endif

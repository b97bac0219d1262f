/* What was seen of one connection, as one line of JSON on stdout. */
#ifndef PEER_REPORT_H
#define PEER_REPORT_H

#include "session.h"

void report_print(const struct session *session);

#endif

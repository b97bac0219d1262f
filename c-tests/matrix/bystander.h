/* A connection pair that no cell touches: whatever a cell does, it has to go on. */
#ifndef BYSTANDER_H
#define BYSTANDER_H

#include <tlsbio.h>

void bystander_open(void);
void bystander_check(void);
void bystander_close(void);

/* One of its ends, for cells that pass a connection where another type belongs. */
tls_conn_t *bystander_conn(void);

#endif

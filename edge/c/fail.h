/* One way to end: a sentence on stderr and exit status 1. */
#ifndef TIDEMILL_FAIL_H
#define TIDEMILL_FAIL_H

#include <stddef.h>

/* Say a sentence, as printf formats it, and exit. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* `count` zeroed items of `size` bytes, to be freed; fails if there is no memory. */
void *allocated(size_t count, size_t size);

#endif

/* CSV (RFC 4180) a line at a time; a cell may be quoted, but holds no line break. */
#ifndef TIDEMILL_CSV_H
#define TIDEMILL_CSV_H

#include <stddef.h>
#include <stdio.h>

/* One line: its cells point into `text`. */
typedef struct {
  char *text;
  char **cells;
  size_t count;
} Record;

/* Read the next line into `record`, to be freed by record_free; 0 at the end of the file. Fails for a broken quote. */
int record_read(FILE *file, Record *record);

void record_free(Record *record);

/* Write a cell, quoted where it must be. */
void cell_write(FILE *file, const char *text);

#endif

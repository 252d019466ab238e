#include "csv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "fail.h"

static int line_read(FILE *file, char **text) {
  size_t size = 0;
  *text = NULL;
  ssize_t length = getline(text, &size, file);
  if (length < 0) {
    free(*text);
    if (ferror(file)) fail("the rows cannot be read.");
    return 0;
  }
  if (strlen(*text) != (size_t)length) fail("a line has a zero byte.");
  (*text)[strcspn(*text, "\r\n")] = '\0';
  return 1;
}

/* Unquote the cell at `*at` in place and end it with a zero; `*at` moves to the next one, or becomes NULL. */
static char *cell_cut(char **at) {
  char *start = *at, *from = start, *to = start;
  int quoted = *from == '"';
  if (quoted) from++;
  for (; *from && (quoted || *from != ','); from++) {
    if (quoted && *from == '"' && *++from != '"') {
      quoted = 0;
      break;
    }
    *to++ = *from;
  }
  if (quoted || (*from && *from != ',')) fail("a cell has a quote where none may be: %.40s", start);
  *at = *from ? from + 1 : NULL;
  *to = '\0';
  return start;
}

int record_read(FILE *file, Record *record) {
  if (!line_read(file, &record->text)) return 0;
  size_t most = 1;
  for (const char *each = record->text; *each; each++) most += *each == ',';
  record->cells = allocated(most, sizeof *record->cells);
  record->count = 0;
  for (char *at = record->text; at;) record->cells[record->count++] = cell_cut(&at);
  return 1;
}

void record_free(Record *record) {
  free(record->cells);
  free(record->text);
}

void cell_write(FILE *file, const char *text) {
  if (!strpbrk(text, ",\"\r\n")) {
    fputs(text, file);
    return;
  }
  fputc('"', file);
  for (; *text; text++) {
    if (*text == '"') fputc('"', file);
    fputc(*text, file);
  }
  fputc('"', file);
}

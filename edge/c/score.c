/* score RELEASE_DIR < rows.csv > answers.csv
 *
 * Rows have a head; their columns may stand in any order, and others beside them. A line of answers has the label and the
 * probability of each class, in the order of the manifest's classes; of a regression, the prediction.
 * The release must be verified before, which this program does not do: take the slot that the agent filled, or run
 * `python -m edge verify`. Neither does it check ranges, closed sets, and which columns may be empty.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "fail.h"
#include "model.h"

enum { BATCH = 1024, PATH_SIZE = 4096 };

/* Where each input of the model stands in the file. */
static size_t *places_of(const Model *model, const Record *head) {
  size_t inputs = model_input_count(model), *places = allocated(inputs, sizeof *places);
  for (size_t input = 0; input < inputs; input++) {
    const char *name = model_input_name(model, input);
    while (places[input] < head->count && strcmp(head->cells[places[input]], name)) places[input]++;
    if (places[input] == head->count) fail("the rows have no column %s.", name);
  }
  return places;
}

static size_t batch_read(FILE *file, size_t width, Record *batch) {
  size_t rows = 0;
  while (rows < BATCH && record_read(file, &batch[rows])) {
    if (batch[rows].count != width) fail("a row has %zu cells, and the head has %zu.", batch[rows].count, width);
    rows++;
  }
  return rows;
}

static void answers_write(const Answers *answers) {
  for (size_t row = 0; row < answers->rows; row++) {
    if (answers->labels) cell_write(stdout, answers->labels[row]);
    for (size_t at = 0; at < answers->width; at++)
      printf("%s%.9g", answers->labels || at ? "," : "", (double)answers->numbers[row * answers->width + at]);
    putchar('\n');
  }
}

static void batch_answer(const Model *model, const size_t *places, const Record *batch, size_t rows) {
  size_t inputs = model_input_count(model);
  const char ***texts = allocated(inputs, sizeof *texts);
  for (size_t input = 0; input < inputs; input++) {
    texts[input] = allocated(rows, sizeof **texts);
    for (size_t row = 0; row < rows; row++) texts[input][row] = batch[row].cells[places[input]];
  }
  Answers answers = model_answer(model, rows, (const char *const *const *)texts);
  answers_write(&answers);
  answers_free(&answers);
  for (size_t input = 0; input < inputs; input++) free(texts[input]);
  free(texts);
}

static void score(const Model *model, FILE *file) {
  Record head, *batch = allocated(BATCH, sizeof *batch);
  if (!record_read(file, &head)) fail("there are no rows, not even a head.");
  size_t rows, *places = places_of(model, &head);
  while ((rows = batch_read(file, head.count, batch))) {
    batch_answer(model, places, batch, rows);
    for (size_t row = 0; row < rows; row++) record_free(&batch[row]);
  }
  record_free(&head);
  free(places);
  free(batch);
}

int main(int count, char **given) {
  char path[PATH_SIZE];
  if (count != 2) {
    fputs("usage: score RELEASE_DIR < rows.csv > answers.csv\n", stderr);
    return 2;
  }
  if (snprintf(path, sizeof path, "%s/model.onnx", given[1]) >= PATH_SIZE) fail("the folder's name is too long.");
  Model *model = model_open(path);
  score(model, stdin);
  model_free(model);
  if (fflush(stdout)) fail("the answers cannot be written.");
  return 0;
}

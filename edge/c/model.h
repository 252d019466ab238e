/* An exported model on ONNX Runtime's C interface: texts in, labels and numbers out. */
#ifndef TIDEMILL_MODEL_H
#define TIDEMILL_MODEL_H

#include <stddef.h>

typedef struct Model Model;

/* What was answered to `rows` rows. `labels` is NULL for regression; `numbers` has `width` a row: the probability of each
 * class, in the order of the manifest's classes, or one prediction. */
typedef struct {
  size_t rows, width;
  char **labels;
  float *numbers;
} Answers;

/* Load the model in `path`, to be freed by model_free; fails if it cannot be loaded. */
Model *model_open(const char *path);

void model_free(Model *model);

size_t model_input_count(const Model *model);
const char *model_input_name(const Model *model, size_t input);

/* Answer rows, to be freed by answers_free. `texts[input][row]` is a value as it stands in a file; empty is null. Fails for
 * a text that is no number where the model wants one. */
Answers model_answer(const Model *model, size_t rows, const char *const *const *texts);

void answers_free(Answers *answers);

#endif

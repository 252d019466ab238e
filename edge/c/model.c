#include "model.h"

#include <errno.h>
#include <math.h>
#include <onnxruntime_c_api.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

#define NULL_CATEGORY "<null>" /* how a missing category is told to a model; a missing number is NaN */

struct Model {
  const OrtApi *api;
  OrtEnv *env;
  OrtSession *session;
  OrtAllocator *allocator; /* the default one, which is nobody's to free */
  size_t inputs;
  char **names;
  ONNXTensorElementDataType *types;
  int classifies;
};

static void check(const OrtApi *api, OrtStatus *status) {
  if (status) fail("ONNX Runtime: %s", api->GetErrorMessage(status));
}

static const OrtApi *interface(void) {
  const OrtApiBase *base = OrtGetApiBase();
  const OrtApi *api = base->GetApi(ORT_API_VERSION);
  if (!api) fail("ONNX Runtime %s is older than this program's header.", base->GetVersionString());
  return api;
}

static void session_open(Model *model, const char *path) {
  OrtSessionOptions *options;
  check(model->api, model->api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "tidemill", &model->env));
  check(model->api, model->api->CreateSessionOptions(&options));
  check(model->api, model->api->SetSessionGraphOptimizationLevel(options, ORT_DISABLE_ALL));
  check(model->api, model->api->SetIntraOpNumThreads(options, 1));
  check(model->api, model->api->CreateSession(model->env, path, options, &model->session));
  model->api->ReleaseSessionOptions(options);
}

static ONNXTensorElementDataType type_of(const Model *model, size_t input) {
  OrtTypeInfo *info;
  const OrtTensorTypeAndShapeInfo *tensor = NULL;
  ONNXTensorElementDataType type;
  check(model->api, model->api->SessionGetInputTypeInfo(model->session, input, &info));
  check(model->api, model->api->CastTypeInfoToTensorInfo(info, &tensor));
  if (!tensor) fail("input %s of the model is no tensor.", model->names[input]);
  check(model->api, model->api->GetTensorElementType(tensor, &type));
  model->api->ReleaseTypeInfo(info);
  return type;
}

static void inputs_look_up(Model *model) {
  check(model->api, model->api->SessionGetInputCount(model->session, &model->inputs));
  model->names = allocated(model->inputs, sizeof *model->names);
  model->types = allocated(model->inputs, sizeof *model->types);
  for (size_t input = 0; input < model->inputs; input++) {
    check(model->api, model->api->SessionGetInputName(model->session, input, model->allocator, &model->names[input]));
    model->types[input] = type_of(model, input);
  }
}

Model *model_open(const char *path) {
  Model *model = allocated(1, sizeof *model);
  size_t outputs;
  model->api = interface();
  session_open(model, path);
  check(model->api, model->api->GetAllocatorWithDefaultOptions(&model->allocator));
  inputs_look_up(model);
  check(model->api, model->api->SessionGetOutputCount(model->session, &outputs));
  model->classifies = outputs == 2;
  return model;
}

void model_free(Model *model) {
  for (size_t input = 0; input < model->inputs; input++)
    model->allocator->Free(model->allocator, model->names[input]);
  free(model->names);
  free(model->types);
  model->api->ReleaseSession(model->session);
  model->api->ReleaseEnv(model->env);
  free(model);
}

size_t model_input_count(const Model *model) { return model->inputs; }

const char *model_input_name(const Model *model, size_t input) { return model->names[input]; }

/* By way of a double, as the endpoint in the cloud reads numbers. */
static float number_of(const char *text, const char *name) {
  char *end;
  if (!*text) return NAN;
  if (!strcmp(text, "true") || !strcmp(text, "false")) return *text == 't';
  double value = strtod(text, &end);
  if (*end || !isfinite(value)) fail("%s is '%.40s', which is no number.", name, text);
  return (float)value;
}

static void numbers_fill(const Model *model, size_t input, size_t rows, const char *const *texts, OrtValue *value) {
  float *numbers;
  check(model->api, model->api->GetTensorMutableData(value, (void **)&numbers));
  for (size_t row = 0; row < rows; row++) numbers[row] = number_of(texts[row], model->names[input]);
}

static void texts_fill(const Model *model, size_t rows, const char *const *texts, OrtValue *value) {
  const char **filled = allocated(rows, sizeof *filled);
  for (size_t row = 0; row < rows; row++) filled[row] = *texts[row] ? texts[row] : NULL_CATEGORY;
  check(model->api, model->api->FillStringTensor(value, filled, rows));
  free(filled);
}

static OrtValue *column(const Model *model, size_t input, size_t rows, const char *const *texts) {
  OrtValue *value = NULL;
  const int64_t shape[] = {(int64_t)rows, 1};
  ONNXTensorElementDataType type = model->types[input];
  check(model->api, model->api->CreateTensorAsOrtValue(model->allocator, shape, 2, type, &value));
  if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING)
    texts_fill(model, rows, texts, value);
  else if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT)
    numbers_fill(model, input, rows, texts, value);
  else
    fail("input %s of the model is neither text nor float.", model->names[input]);
  return value;
}

static size_t count_of(const Model *model, const OrtValue *value) {
  OrtTensorTypeAndShapeInfo *info;
  size_t count;
  check(model->api, model->api->GetTensorTypeAndShape(value, &info));
  check(model->api, model->api->GetTensorShapeElementCount(info, &count));
  model->api->ReleaseTensorTypeAndShapeInfo(info);
  return count;
}

static char **texts_of(const Model *model, const OrtValue *value, size_t rows) {
  size_t length, *offsets = allocated(rows + 1, sizeof *offsets);
  char **texts = allocated(rows, sizeof *texts);
  check(model->api, model->api->GetStringTensorDataLength(value, &length));
  char *bytes = allocated(length, 1);
  check(model->api, model->api->GetStringTensorContent(value, bytes, length, offsets, rows));
  offsets[rows] = length;
  for (size_t row = 0; row < rows; row++) {
    size_t size = offsets[row + 1] - offsets[row];
    texts[row] = allocated(size + 1, 1);
    memcpy(texts[row], bytes + offsets[row], size);
  }
  free(bytes);
  free(offsets);
  return texts;
}

static Answers answers_of(const Model *model, size_t rows, OrtValue **outputs) {
  OrtValue *numbers = outputs[model->classifies];
  size_t count = count_of(model, numbers);
  Answers answers = {.rows = rows, .width = count / rows};
  float *found;
  check(model->api, model->api->GetTensorMutableData(numbers, (void **)&found));
  answers.numbers = allocated(count, sizeof *found);
  memcpy(answers.numbers, found, count * sizeof *found);
  if (model->classifies) answers.labels = texts_of(model, outputs[0], rows);
  return answers;
}

Answers model_answer(const Model *model, size_t rows, const char *const *const *texts) {
  static const char *const classifier[] = {"label", "probabilities"}, *const regression[] = {"prediction"};
  const char *const *wanted = model->classifies ? classifier : regression;
  size_t count = model->classifies ? 2 : 1;
  OrtValue *outputs[2] = {NULL, NULL}, **values = allocated(model->inputs, sizeof *values);
  for (size_t input = 0; input < model->inputs; input++) values[input] = column(model, input, rows, texts[input]);
  check(model->api, model->api->Run(model->session, NULL, (const char *const *)model->names,
                                    (const OrtValue *const *)values, model->inputs, wanted, count, outputs));
  Answers answers = answers_of(model, rows, outputs);
  for (size_t input = 0; input < model->inputs; input++) model->api->ReleaseValue(values[input]);
  for (size_t output = 0; output < count; output++) model->api->ReleaseValue(outputs[output]);
  free(values);
  return answers;
}

void answers_free(Answers *answers) {
  for (size_t row = 0; answers->labels && row < answers->rows; row++) free(answers->labels[row]);
  free(answers->labels);
  free(answers->numbers);
}

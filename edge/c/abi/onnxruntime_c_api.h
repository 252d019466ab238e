/* The part of ONNX Runtime's C interface that this example calls, for machines without the library's own header.
 *
 * The interface is one table of functions that is only ever added to: a function keeps its place in it for ever, so that
 * a program runs on every newer library. https://onnxruntime.ai/docs/get-started/with-c.html
 * Places and types are facts of version 12 of that table; what lies between is not called here. With the library's own
 * header this one is not needed: `make ORT_INCLUDE=…/include`.
 */
#ifndef TIDEMILL_ONNXRUNTIME_C_API_H
#define TIDEMILL_ONNXRUNTIME_C_API_H

#include <stddef.h>
#include <stdint.h>

#define ORT_API_VERSION 12

typedef struct OrtAllocator {
  uint32_t version;
  void *(*Alloc)(struct OrtAllocator *, size_t size);
  void (*Free)(struct OrtAllocator *, void *memory);
  const struct OrtMemoryInfo *(*Info)(const struct OrtAllocator *);
} OrtAllocator;
typedef struct OrtEnv OrtEnv;
typedef struct OrtRunOptions OrtRunOptions;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtStatus OrtStatus;
typedef struct OrtTensorTypeAndShapeInfo OrtTensorTypeAndShapeInfo;
typedef struct OrtTypeInfo OrtTypeInfo;
typedef struct OrtValue OrtValue;

typedef enum { ORT_LOGGING_LEVEL_ERROR = 3 } OrtLoggingLevel;
typedef enum { ORT_DISABLE_ALL = 0 } GraphOptimizationLevel;
typedef enum {
  ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT = 1,
  ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING = 8
} ONNXTensorElementDataType;

#define ORT_PLACES(first, last) void (*places_##first##_##last[(last) - (first) + 1])(void)

typedef struct OrtApi {
  ORT_PLACES(0, 1);
  const char *(*GetErrorMessage)(const OrtStatus *);
  OrtStatus *(*CreateEnv)(OrtLoggingLevel, const char *name, OrtEnv **);
  ORT_PLACES(4, 6);
  OrtStatus *(*CreateSession)(const OrtEnv *, const char *path, const OrtSessionOptions *, OrtSession **);
  ORT_PLACES(8, 8);
  OrtStatus *(*Run)(OrtSession *, const OrtRunOptions *, const char *const *input_names, const OrtValue *const *inputs,
                    size_t input_count, const char *const *output_names, size_t output_count, OrtValue **outputs);
  OrtStatus *(*CreateSessionOptions)(OrtSessionOptions **);
  ORT_PLACES(11, 22);
  OrtStatus *(*SetSessionGraphOptimizationLevel)(OrtSessionOptions *, GraphOptimizationLevel);
  OrtStatus *(*SetIntraOpNumThreads)(OrtSessionOptions *, int);
  ORT_PLACES(25, 29);
  OrtStatus *(*SessionGetInputCount)(const OrtSession *, size_t *);
  OrtStatus *(*SessionGetOutputCount)(const OrtSession *, size_t *);
  ORT_PLACES(32, 32);
  OrtStatus *(*SessionGetInputTypeInfo)(const OrtSession *, size_t at, OrtTypeInfo **);
  ORT_PLACES(34, 35);
  OrtStatus *(*SessionGetInputName)(const OrtSession *, size_t at, OrtAllocator *, char **);
  ORT_PLACES(37, 47);
  OrtStatus *(*CreateTensorAsOrtValue)(OrtAllocator *, const int64_t *shape, size_t rank, ONNXTensorElementDataType,
                                       OrtValue **);
  ORT_PLACES(49, 50);
  OrtStatus *(*GetTensorMutableData)(OrtValue *, void **);
  OrtStatus *(*FillStringTensor)(OrtValue *, const char *const *texts, size_t count);
  OrtStatus *(*GetStringTensorDataLength)(const OrtValue *, size_t *);
  OrtStatus *(*GetStringTensorContent)(const OrtValue *, void *bytes, size_t length, size_t *offsets, size_t count);
  OrtStatus *(*CastTypeInfoToTensorInfo)(const OrtTypeInfo *, const OrtTensorTypeAndShapeInfo **);
  ORT_PLACES(56, 59);
  OrtStatus *(*GetTensorElementType)(const OrtTensorTypeAndShapeInfo *, ONNXTensorElementDataType *);
  ORT_PLACES(61, 63);
  OrtStatus *(*GetTensorShapeElementCount)(const OrtTensorTypeAndShapeInfo *, size_t *);
  OrtStatus *(*GetTensorTypeAndShape)(const OrtValue *, OrtTensorTypeAndShapeInfo **);
  ORT_PLACES(66, 77);
  OrtStatus *(*GetAllocatorWithDefaultOptions)(OrtAllocator **);
  ORT_PLACES(79, 91);
  void (*ReleaseEnv)(OrtEnv *);
  void (*ReleaseStatus)(OrtStatus *);
  ORT_PLACES(94, 94);
  void (*ReleaseSession)(OrtSession *);
  void (*ReleaseValue)(OrtValue *);
  ORT_PLACES(97, 97);
  void (*ReleaseTypeInfo)(OrtTypeInfo *);
  void (*ReleaseTensorTypeAndShapeInfo)(OrtTensorTypeAndShapeInfo *);
  void (*ReleaseSessionOptions)(OrtSessionOptions *);
} OrtApi;

typedef struct OrtApiBase {
  const OrtApi *(*GetApi)(uint32_t version);
  const char *(*GetVersionString)(void);
} OrtApiBase;

const OrtApiBase *OrtGetApiBase(void);

#endif

/* The join of joined.py, compiled: the texts of a batch in one buffer, each encoded right into its place.

   Of the interpreter only its stable interface is used, whose functions are there when the library is loaded; no headers of it are needed. */

#include <stdint.h>
#include <string.h>

typedef struct Object Object;
typedef intptr_t Size;

extern Size PyList_Size(Object *);
extern Object *PyList_GetItem(Object *, Size);
extern const char *PyUnicode_AsUTF8AndSize(Object *, Size *);
extern Object *PyBytes_FromStringAndSize(const char *, Size);
extern char *PyBytes_AsString(Object *);

/* A list of strings as UTF-8 between NUL bytes, and in `places` where each begins, where each ends, and whether one holds a NUL byte itself: room
   for 2 n + 1 numbers. NULL with an exception set: one is no string, or cannot be encoded. Belongs to whoever holds the interpreter's lock. */
Object *spanledger_join(Object *texts, int64_t *places) {
    const Size n = PyList_Size(texts);
    if (n < 0) return NULL;
    int64_t *starts = places, *ends = places + n, size = 1;
    for (Size i = 0; i < n; i++) {
        Size length;
        if (!PyUnicode_AsUTF8AndSize(PyList_GetItem(texts, i), &length)) return NULL;
        starts[i] = size;
        ends[i] = size + length;
        size += length + 1;
    }
    Object *joined = PyBytes_FromStringAndSize(NULL, size);
    if (!joined) return NULL;
    char *into = PyBytes_AsString(joined);
    int nul = 0;
    into[0] = 0;
    for (Size i = 0; i < n; i++) {
        const size_t length = (size_t)(ends[i] - starts[i]);
        memcpy(into + starts[i], PyUnicode_AsUTF8AndSize(PyList_GetItem(texts, i), NULL), length);
        nul |= memchr(into + starts[i], 0, length) != NULL;
        into[ends[i]] = 0;
    }
    places[2 * n] = nul;
    return joined;
}

/* What a scan calls at each match, compiled: where it ended and of which trigger goes into one number (scan.py).

   Of the interpreter only its stable interface is used, as in joined.c. */

#include <stdint.h>

enum { HIT_BITS = 12, FASTCALL = 0x0080 }; /* as in scan.py; as in methodobject.h */

typedef struct Object Object;
typedef intptr_t Size;

typedef struct {
    const char *name;
    Object *(*function)(Object *, Object *const *, Size);
    int flags;
    const char *doc;
} Method;

extern Object *PyCFunction_NewEx(Method *, Object *, Object *);
extern void *PyLong_AsVoidPtr(Object *);
extern Object *PyLong_FromVoidPtr(void *);
extern unsigned long long PyLong_AsUnsignedLongLong(Object *);
extern Object *PyObject_CallObject(Object *, Object *);
extern void Py_IncRef(Object *);
extern void Py_DecRef(Object *);

typedef struct {
    int64_t *hits, count, checked; /* when there are more than `checked`, `stop` is asked whether it is enough, and sets that anew */
    Object *stop, *nothing;
} Collected;

/* (trigger, start, end, flags, context) */
static Object *on_match(Object *self, Object *const *arguments, Size n) {
    (void)n;
    Collected *c = PyLong_AsVoidPtr(self);
    c->hits[c->count++] = (int64_t)(PyLong_AsUnsignedLongLong(arguments[2]) << HIT_BITS | PyLong_AsUnsignedLongLong(arguments[0]));
    if (c->count > c->checked) return PyObject_CallObject(c->stop, 0);
    Py_IncRef(c->nothing);
    return c->nothing;
}

/* The function to call for one collection; whoever holds the interpreter's lock may ask for it. */
Object *spanledger_on_match(Collected *collected) {
    static Method method = {"on_match", on_match, FASTCALL, 0};
    Object *self = PyLong_FromVoidPtr(collected);
    if (!self) return 0;
    Object *made = PyCFunction_NewEx(&method, self, 0);
    Py_DecRef(self);
    return made;
}

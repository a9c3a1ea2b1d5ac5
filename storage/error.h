/* Error codes and error texts that every part of flowlore shares.
 *
 * A function returns 0 (or a count) on success and one of the negative codes below on failure. Where an
 * operator will read the failure, the function also takes a `struct fl_err *` and fills in a sentence
 * that names the thing and the remedy. `err` may be NULL: the sentence is then dropped.
 */
#ifndef FL_STORAGE_ERROR_H
#define FL_STORAGE_ERROR_H

enum {
    FL_OK = 0,
    FL_ENOMEM = -1,    /* out of memory */
    FL_EINVAL = -2,    /* an argument, option or setting is wrong */
    FL_EIO = -3,       /* the operating system refused a read, write, open or bind */
    FL_EMALF = -4,     /* bytes that do not mean what they should: a datagram, a chunk, a text */
    FL_ENOENT = -5,    /* no such rule, file or location */
    FL_ENEWER = -6,    /* written by a newer flowlore than this one */
    FL_EBUSY = -7,     /* another process holds it */
    FL_EDB = -8,       /* SQLite failed */
    FL_ELIMIT = -9,    /* a bound on memory, sessions or templates is reached */
    FL_EDAMAGED = -10, /* a file of ours is corrupt */
    FL_ESTOP = -11     /* asked to stop before the end */
};

struct fl_err {
    char text[512]; /* "" when nothing went wrong */
};

/* Format the sentence into *err (when it is not NULL) and return `code`, so that a failing path reads
 * `return fl_fail(err, FL_EIO, "%s: %s", path, strerror(errno));`. */
int fl_fail(struct fl_err *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A few words for a code: "out of memory". Never NULL. */
const char *fl_strerror(int code);

#endif

/**
 * Reading a directory's names: a helper that official example utilities include. It blocks, and
 * the library itself doesn't use it.
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct as_dir_s {
    DIR* dir;
} as_dir;

/** Whether `directory` exists and is a directory. */
static inline bool as_dir_exists(const char* directory)
{
    struct stat st;
    return stat(directory, &st) == 0 && S_ISDIR(st.st_mode);
}

/** Opens `directory` for as_dir_read(); false if it can't be opened. */
static inline bool as_dir_open(as_dir* dir, const char* directory)
{
    dir->dir = opendir(directory);
    return dir->dir != NULL;
}

/** The next name, valid until the next call, or NULL after the last one. */
static inline const char* as_dir_read(as_dir* dir)
{
    struct dirent* entry = readdir(dir->dir);
    return entry ? entry->d_name : NULL;
}

/** Ends what as_dir_open() began. */
static inline void as_dir_close(as_dir* dir)
{
    closedir(dir->dir);
    dir->dir = NULL;
}

#ifdef __cplusplus
}
#endif

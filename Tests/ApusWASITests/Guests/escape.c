// A guest that tries to get out of the folder it was given, descriptor 3, in every way that a path
// can be used. It tells nothing but what it could see that it should not.
//
//   escape matrix          every operation on every path of the list below
//   escape race COUNT      opens, looks at and links "there/canary", which somebody else swaps for
//                          a link to the outside meanwhile
//
// The folder beside the granted one has a file "canary" that begins with "canary"; no file of the
// granted folder does. Built by `build`; see there.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define IMPORT(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))
IMPORT(args_sizes_get) u32 args_sizes_get(u32 *, u32 *);
IMPORT(args_get) u32 args_get(char **, char *);
IMPORT(fd_write) u32 fd_write(u32, const void *, u32, u32 *);
IMPORT(fd_read) u32 fd_read(u32, const void *, u32, u32 *);
IMPORT(fd_close) u32 fd_close(u32);
IMPORT(fd_renumber) u32 fd_renumber(u32, u32);
IMPORT(fd_readdir) u32 fd_readdir(u32, void *, u32, u64, u32 *);
IMPORT(path_open) u32 path_open(u32, u32, const char *, u32, u32, u64, u64, u32, u32 *);
IMPORT(path_filestat_get) u32 path_filestat_get(u32, u32, const char *, u32, void *);
IMPORT(path_filestat_set_times)
u32 path_filestat_set_times(u32, u32, const char *, u32, u64, u64, u32);
IMPORT(path_create_directory) u32 path_create_directory(u32, const char *, u32);
IMPORT(path_remove_directory) u32 path_remove_directory(u32, const char *, u32);
IMPORT(path_unlink_file) u32 path_unlink_file(u32, const char *, u32);
IMPORT(path_link) u32 path_link(u32, u32, const char *, u32, u32, const char *, u32);
IMPORT(path_symlink) u32 path_symlink(const char *, u32, u32, const char *, u32);
IMPORT(path_rename) u32 path_rename(u32, const char *, u32, u32, const char *, u32);
IMPORT(proc_exit) _Noreturn void proc_exit(u32);

static u32 length(const char *text) {
    u32 count = 0;
    while (text[count]) count++;
    return count;
}

static void say(const char *text) {
    struct { const char *text; u32 count; } vector = {text, length(text)};
    u32 written;
    fd_write(1, &vector, 1, &written);
}

static u32 escapes = 0, opened = 0;

static void escaped(const char *how, const char *path) {
    escapes++;
    say(how); say(" "); say(path); say("\n");
}

// Whether what is open is the canary.
static int is_canary(u32 file) {
    char text[6] = {0};
    struct { char *text; u32 count; } vector = {text, 6};
    u32 count = 0;
    if (fd_read(file, &vector, 1, &count) || count != 6) return 0;
    const char *canary = "canary";
    for (u32 i = 0; i < 6; i++) if (text[i] != canary[i]) return 0;
    return 1;
}

// Whether a directory that is open is the one with the canary in it. One inside that has a file
// of that name too has another one called "own".
static int has_canary(u32 directory) {
    static u8 buffer[4096];
    u32 used = 0;
    int found = 0;
    if (fd_readdir(directory, buffer, sizeof buffer, 0, &used)) return 0;
    for (u32 i = 0; i + 30 <= used;) {
        u32 count = buffer[i + 16];
        const u8 *name = buffer + i + 24;
        if (count == 6 && name[0] == 'c' && name[1] == 'a' && name[5] == 'y') found = 1;
        if (count == 3 && name[0] == 'o' && name[1] == 'w' && name[2] == 'n') return 0;
        i += 24 + count;
    }
    return found;
}

static void try_open(const char *path, u32 lookup, u32 flags, u64 rights) {
    u32 file;
    if (path_open(3, lookup, path, length(path), flags, rights, ~0ull, 0, &file)) return;
    opened++;
    if (is_canary(file)) escaped("opened", path);
    if (has_canary(file)) escaped("listed", path);
    fd_close(file);
}

static const char *paths[] = {
    "..", "../", "../outside", "../outside/canary", "../outside/canary/", "./../outside/canary",
    "dir/../../outside/canary", "dir/nested/../../../outside/canary", "/", "/etc/passwd", "//",
    "//etc/passwd", ".//../outside/canary", "up", "up/", "up/canary", "up/.", "up/..",
    "up/../outside/canary", "up-file", "up-file/", "absolute", "dir/winding", "second/winding",
    "first/../../../outside/canary", "good-dir/../../outside/canary", "chain", "chain/canary",
    "loop", "ping", "dangling-out", "proc", "proc/etc/passwd", "proc/self/root", "/proc/self/root",
    "dir/../up/canary", "missing/../../outside/canary", "file/../../outside/canary",
};
static char lengthy[5000];

static void operate(const char *path) {
    u32 count = length(path);
    u64 status[8];
    for (u32 lookup = 0; lookup < 2; lookup++) {
        for (u32 flags = 0; flags < 16; flags++) {
            try_open(path, lookup, flags, 2);
            try_open(path, lookup, flags, 0x40 | 2);
            try_open(path, lookup, flags, 0x1fffffff & ~0x40);
        }
        path_filestat_get(3, lookup, path, count, status);
        path_filestat_set_times(3, lookup, path, count, 1, 1, 5);
        // A second name inside for what is outside.
        if (!path_link(3, lookup, path, count, 3, "linked", 6)) {
            try_open("linked", 0, 0, 2);
            path_unlink_file(3, "linked", 6);
        }
    }
    // A link into the inside from the outside, a move out of it, and one into it.
    path_link(3, 0, "file", 4, 3, path, count);
    path_symlink("file", 4, 3, path, count);
    if (!path_symlink(path, count, 3, "made", 4)) {
        try_open("made", 1, 0, 2);
        try_open("made/canary", 1, 0, 2);
        path_unlink_file(3, "made", 4);
    }
    path_create_directory(3, path, count);
    if (!path_rename(3, path, count, 3, "moved", 5)) {
        try_open("moved", 1, 0, 2);
        path_rename(3, "moved", 5, 3, path, count);
    }
    path_rename(3, "file", 4, 3, path, count);
}

static void destroy(const char *path) {
    path_unlink_file(3, path, length(path));
    path_remove_directory(3, path, length(path));
}

static void matrix(void) {
    u32 count = sizeof paths / sizeof paths[0];
    for (u32 i = 0; i < count; i++) operate(paths[i]);
    for (u32 i = 0; i < sizeof lengthy - 30; i += 3) {
        lengthy[i] = '.'; lengthy[i + 1] = '.'; lengthy[i + 2] = '/';
    }
    operate(lengthy);
    u32 file;
    // Text that goes on behind a zero.
    if (!path_open(3, 1, "dir\0/../../outside/canary", 25, 0, 2, 2, 0, &file))
        escaped("opened", "text with a zero");
    // An open directory in place of the granted one is no more than it was.
    if (!path_open(3, 1, "dir", 3, 2, 1 << 14 | 1 << 13, ~0ull, 0, &file)) {
        u32 other;
        if (!path_open(file, 1, "../file", 7, 0, 2, 2, 0, &other))
            escaped("opened", "above a directory's own descriptor");
        fd_renumber(file, 3);
        if (!path_open(3, 1, "../file", 7, 0, 2, 2, 0, &other))
            escaped("opened", "above a renumbered descriptor");
        for (u32 i = 0; i < count; i++) try_open(paths[i], 1, 0, 2);
    }
    for (u32 i = 0; i < count; i++) destroy(paths[i]);
}

static void race(u32 count) {
    const char *path = "there/canary";
    for (u32 i = 0; i < count; i++) {
        try_open(path, 1, 0, i & 1 ? 2 : 0x42);
        if (i % 16 == 0) {
            try_open("there", 1, 2, 1 << 14);
            if (!path_link(3, 1, path, 12, 3, "linked", 6)) {
                try_open("linked", 0, 0, 2);
                path_unlink_file(3, "linked", 6);
            }
            path_filestat_set_times(3, 1, path, 12, 1, 1, 5);
        }
    }
}

void _start(void) {
    static char *arguments[8];
    static char text[256];
    u32 count, size;
    if (args_sizes_get(&count, &size) || count > 8 || size > 256) proc_exit(2);
    args_get(arguments, text);
    if (count == 2) {
        matrix();
    } else if (count == 3) {
        u32 number = 0;
        for (char *digit = arguments[2]; *digit; digit++) number = number * 10 + (*digit - '0');
        race(number);
    } else {
        proc_exit(2);
    }
    if (opened == 0) { say("nothing was opened\n"); proc_exit(3); }
    proc_exit(escapes != 0);
}

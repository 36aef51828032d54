// Counts words: words FILE... prints the ten most frequent words of the files, or of the
// standard input if none is named. Status 1 if a file cannot be read.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { shown = 10, longest = 64 };

struct word {
    char text[longest];
    unsigned count;
};

static struct word *words;
static size_t capacity, used;

// The place of `text`: its own, or the empty one where it belongs.
static struct word *place(const char *text) {
    unsigned hash = 2166136261u;
    for (const char *next = text; *next; next++) hash = (hash ^ (unsigned char)*next) * 16777619u;
    size_t index = hash & (capacity - 1);
    while (words[index].count && strcmp(words[index].text, text) != 0)
        index = (index + 1) & (capacity - 1);
    return &words[index];
}

static void grow(void) {
    struct word *old = words;
    size_t count = capacity;
    capacity = capacity ? capacity * 2 : 1024;
    words = calloc(capacity, sizeof *words);
    if (!words) {
        fprintf(stderr, "words: out of memory\n");
        exit(1);
    }
    for (size_t index = 0; index < count; index++)
        if (old[index].count) *place(old[index].text) = old[index];
    free(old);
}

static void add(const char *text) {
    if (used * 2 >= capacity) grow();
    struct word *word = place(text);
    if (word->count++ == 0) {
        strcpy(word->text, text);
        used++;
    }
}

static void read_words(FILE *file) {
    char text[longest];
    int length = 0, next;
    do {
        next = getc(file);
        if (next != EOF && isalpha(next)) {
            if (length < longest - 1) text[length++] = (char)tolower(next);
        } else if (length > 0) {
            text[length] = 0;
            add(text);
            length = 0;
        }
    } while (next != EOF);
}

static int by_count(const void *left, const void *right) {
    const struct word *one = left, *other = right;
    if (one->count != other->count) return one->count < other->count ? 1 : -1;
    return strcmp(one->text, other->text);
}

int main(int count, char **arguments) {
    int status = 0;
    grow();
    if (count == 1) read_words(stdin);
    for (int index = 1; index < count; index++) {
        FILE *file = fopen(arguments[index], "r");
        if (!file) {
            fprintf(stderr, "words: %s: %s\n", arguments[index], strerror(errno));
            status = 1;
            continue;
        }
        read_words(file);
        fclose(file);
    }
    qsort(words, capacity, sizeof *words, by_count);
    for (size_t index = 0; index < shown && index < used; index++)
        printf("%7u %s\n", words[index].count, words[index].text);
    return status;
}

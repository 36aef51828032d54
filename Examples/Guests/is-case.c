// What a Swift macro would do: reads the declaration of an enum, and writes an extension with a
// property for each of its cases: `var isDog: Bool`. Status 1, and a line that says why, if there
// is no enum.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static char source[1 << 16];

// Copies the identifier at `*place` and moves behind it. Returns whether there is one.
static int identifier(char **place, char *name, size_t room) {
    while (**place == ' ' || **place == '\n' || **place == ',') ++*place;
    size_t count = 0;
    while (isalnum((unsigned char)**place) || **place == '_') {
        if (count + 1 < room) name[count++] = **place;
        ++*place;
    }
    name[count] = 0;
    return count > 0;
}

// Blanks out what is behind `//`, so that nothing in it is taken for code.
static void removeComments(void) {
    for (char *place = source; (place = strstr(place, "//"));) {
        while (*place && *place != '\n') *place++ = ' ';
    }
}

int main(void) {
    size_t count = fread(source, 1, sizeof source - 1, stdin);
    source[count] = 0;
    removeComments();
    char type[64], name[64];
    char *place = strstr(source, "enum ");
    if (!place || (place += 5, !identifier(&place, type, sizeof type))) {
        fprintf(stderr, "IsCase can only be applied to an enum\n");
        return 1;
    }
    printf("extension %s {\n", type);
    while ((place = strstr(place, "case "))) {
        place += 5;
        while (identifier(&place, name, sizeof name)) {
            printf(
                "    /// Whether it is `%s`.\n    var is%c%s: Bool { self == .%s }\n", name,
                toupper((unsigned char)name[0]), name + 1, name);
            if (*place != ',') break;
        }
    }
    printf("}\n");
    return 0;
}

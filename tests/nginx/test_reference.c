/*
 * Every example of the reference, executed: each block of nginx's language in the context that it
 * is for, then the requests below it, "METHOD PATH [BODY] -> STATUS [TEXT]".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/nginx/bed.h"

#define EXAMPLES_MAX 100
#define ASKS_MAX 8

typedef struct example {
    char name[64]; /* the heading above */
    char conf[4096];
    char asks[ASKS_MAX][256];
    int asks_count;
} example;

static example examples[EXAMPLES_MAX];
static int examples_count;
static char names[EXAMPLES_MAX][64];
static int names_count;

static void parse_line(const char* line, bool* is_inside)
{
    example* last = examples_count > 0 ? &examples[examples_count - 1] : NULL;
    if (strncmp(line, "## ", 3) == 0) {
        assert_true(names_count < EXAMPLES_MAX);
        sscanf(line + 3, "%63s", names[names_count++]);
    } else if (strncmp(line, "```nginx", 8) == 0) {
        assert_true(examples_count < EXAMPLES_MAX);
        memcpy(examples[examples_count++].name, names[names_count - 1], sizeof(names[0]));
        *is_inside = true;
    } else if (strncmp(line, "```", 3) == 0) {
        *is_inside = false;
    } else if (*is_inside) {
        size_t size = strlen(last->conf);
        snprintf(last->conf + size, sizeof(last->conf) - size, "%s", line);
    } else if (strncmp(line, "    ", 4) == 0 && strstr(line, " -> ") && last) {
        assert_true(last->asks_count < ASKS_MAX);
        sscanf(line + 4, "%255[^\n]", last->asks[last->asks_count++]);
    }
}

static int read_reference(void** state)
{
    char line[4096];
    bool is_inside = false;
    FILE* file = fopen(NGINX_REFERENCE, "r");
    if (!file) {
        return -1;
    }
    while (fgets(line, sizeof(line), file)) {
        parse_line(line, &is_inside);
    }
    fclose(file);
    return bed_set_up(state);
}

static void ask(const example* one, const char* text)
{
    static web_reply reply;
    char line[256], wanted_text[256] = "";
    int wanted = 0;
    snprintf(line, sizeof(line), "%s", text);
    char* arrow = strstr(line, " -> ");
    assert_true(sscanf(arrow, " -> %d %255[^\n]", &wanted, wanted_text) >= 1);
    *arrow = '\0';
    char* body = strchr(strchr(line, ' ') + 1, ' ');
    if (body) {
        *body++ = '\0';
    }
    web_ask(&bed_site, line, NULL, body, body ? strlen(body) : 0, &reply);
    if (reply.status != wanted || !strstr(reply.text, wanted_text)) {
        fail_msg("%s: %s: wanted %d, got:\n%s", one->name, text, wanted, reply.text);
    }
}

static void run_example(const example* one)
{
    bool is_location = strncmp(one->conf, "location", 8) == 0;
    char http[6000];
    snprintf(http, sizeof(http), "aerospike_namespace test;\naerospike_set demo;\n%s",
             is_location ? "" : one->conf);
    web_conf conf = {.cluster = bed_server, .http = http, .server = is_location ? one->conf : NULL};
    web_init(&bed_site, &conf);
    char text[4096];
    if (web_check(&bed_site, text, sizeof(text)) != 0) {
        fail_msg("%s: %s", one->name, text);
    }
    web_start(&bed_site);
    for (int i = 0; i < one->asks_count; i++) {
        ask(one, one->asks[i]);
    }
    bed_end_well();
    web_done(&bed_site);
}

static void every_example_does_what_is_written(void** state)
{
    (void)state;
    assert_true(examples_count >= 25);
    for (int i = 0; i < examples_count; i++) {
        run_example(&examples[i]);
    }
}

/* Directives in the module's file are headings of the reference, and have an example. */
static void every_directive_is_there(void** state)
{
    (void)state;
    char program[4096];
    FILE* pipe = popen("grep -oE '_COMMAND\\(\"[a-z_]+\"' " NGINX_SOURCE " | cut -d'\"' -f2", "r");
    assert_non_null(pipe);
    int count = 0;
    while (fscanf(pipe, "%4000s", program) == 1) {
        char name[4200];
        bool is_found = false;
        snprintf(name, sizeof(name), "aerospike_%s", program);
        for (int i = 0; i < examples_count; i++) {
            is_found = is_found || strcmp(examples[i].name, name) == 0;
        }
        if (!is_found) {
            fail_msg("%s has no example in the reference", name);
        }
        count++;
    }
    pclose(pipe);
    assert_true(count >= 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_example_does_what_is_written, bed_clean),
        cmocka_unit_test(every_directive_is_there),
    };
    return cmocka_run_group_tests(tests, read_reference, bed_tear_down);
}

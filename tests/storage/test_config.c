/* The configuration: defaults, the sample file, and what each refusal says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "storage/config.h"

static char file[] = "/tmp/test_config.XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(file);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    return unlink(file);
}

static void write_bytes(const char *bytes, size_t n)
{
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    fclose(out);
}

static struct fl_config load(const char *text)
{
    struct fl_config c;
    struct fl_err err = {""};
    write_bytes(text, strlen(text));
    int rc = fl_config_load(&c, file, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, 0);
    return c;
}

/* The sentence after "FILE:"; on failure the configuration must be the default one. */
static void check_refused(const char *text, const char *expected)
{
    struct fl_config c;
    struct fl_err err = {""};
    write_bytes(text, strlen(text));
    if (fl_config_load(&c, file, &err) != FL_EINVAL)
        fail_msg("accepted: %s", text);
    assert_memory_equal(err.text, file, strlen(file));
    if (strncmp(err.text + strlen(file) + 1, expected, strlen(expected)) != 0)
        fail_msg("%s\nis not %s", err.text, expected);
    assert_int_equal(c.n_listen, 2);
    assert_int_equal(c.n_locations, 0);
    assert_int_equal(c.bucket_ms, 3600000);
    fl_config_clear(&c);
}

static void assert_defaults(const struct fl_config *c)
{
    assert_int_equal(c->n_listen, 2);
    assert_string_equal(c->listen[0], "*:2055");
    assert_string_equal(c->listen[1], "*:4739");
    assert_int_equal(c->bucket_ms, 3600000);
    assert_int_equal(c->retention_ms, 30 * INT64_C(86400000));
    assert_int_equal(c->retention_bytes, 0);
    assert_int_equal(c->active_timeout_ms, 60000);
    assert_int_equal(c->max_future_ms, 300000);
    assert_int_equal(c->template_timeout_ms, 86400000);
    assert_int_equal(c->learning_ms, 0);
    assert_int_equal(c->gone_after_ms, 7 * 86400000);
    assert_int_equal(c->receive_buffer_bytes, 16 << 20);
    assert_int_equal(c->mining.every_ms, 3600000);
    assert_int_equal(c->mining.span_ms, 86400000);
    assert_int_equal(c->mining.window_ms, 1000);
    assert_int_equal(c->mining.support, 10);
    assert_true(c->mining.q == 0.01 && c->mining.confidence == 0.2 && c->mining.both == 0.5);
    assert_int_equal(c->mining.jitter, 60);
    assert_int_equal(c->mining.service_peers, 5);
    assert_int_equal(c->mining.threads, 0);
    assert_int_equal(c->mining.memory_bytes, 0);
}

static void test_defaults(void **state)
{
    static const char *const texts[] = {"", "\n\n", "# nothing\n", "---\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct fl_config c = load(texts[i]);
        assert_defaults(&c);
        assert_null(c.alerts_file);
        fl_config_clear(&c);
    }
}

/* Prose is "# text"; "#key" and "#  key" are keys. */
static bool is_key_line(const char *line)
{
    return line[0] == '#' && (line[1] != ' ' || line[2] == ' ');
}

/* The sample, with the `#` taken off each key when `uncomment`. */
static char *read_sample(bool uncomment)
{
    const char *srcdir = getenv("srcdir");
    char path[512], line[512], *text = calloc(1, 65536);
    snprintf(path, sizeof path, "%s/contrib/flowlore.yaml", srcdir ? srcdir : ".");
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in))
        strcat(text, uncomment && is_key_line(line) ? line + 1 : line);
    fclose(in);
    return text;
}

static void test_sample(void **state)
{
    for (int uncomment = 0; uncomment < 2; uncomment++) {
        char *text = read_sample(uncomment);
        struct fl_config c = load(text);
        assert_defaults(&c);
        assert_int_equal(c.n_locations, uncomment ? 2 : 0);
        assert_int_equal(c.n_sinks, uncomment ? 4 : 0);
        if (uncomment)
            assert_string_equal(c.alerts_file, "/var/lib/flowlore/alerts.jsonl");
        fl_config_clear(&c);
        free(text);
    }
}

static void test_values(void **state)
{
    struct fl_config c =
        load("listen: '[::1]:2055'\nbucket: 6h\nretention: 0\nretention-bytes: 50GiB\n"
             "locations:\n- {name: a, prefixes: [10.0.0.0/8], active-timeout: 2m, learning: 0}\n"
             "- {name: b, prefixes: [10.1.0.0/16]}\nmining: {every: off, q: 1e-3}\n"
             "alerts-file: off\ngone-after: 1h\n");
    struct fl_addr nested = fl_addr_v4(0x0a010001), wide = fl_addr_v4(0x0a020001), out = fl_addr_v4(1);
    assert_int_equal(c.n_listen, 1);
    assert_string_equal(c.listen[0], "[::1]:2055");
    assert_int_equal(c.bucket_ms, 6 * 3600000);
    assert_int_equal(c.retention_ms, 0);
    assert_true(c.retention_bytes == INT64_C(50) << 30);
    assert_int_equal(c.mining.every_ms, 0);
    assert_true(c.mining.q == 1e-3);
    assert_string_equal(c.alerts_file, "off");
    assert_int_equal(c.locations[0].active_timeout_ms, 120000);
    assert_int_equal(c.locations[0].learning_ms, 0);
    assert_int_equal(c.locations[1].learning_ms, -1);
    assert_int_equal(c.gone_after_ms, 3600000);
    assert_string_equal(fl_config_location(&c, &nested, NULL), "b");
    assert_string_equal(fl_config_location(&c, &wide, NULL), "a");
    assert_null(fl_config_location(&c, &out, NULL));
    fl_config_clear(&c);
}

static void test_refusals(void **state)
{
    static const char *const cases[][2] = {
        {"locations:\n- name: a\n  prefixes: [10.0.0.0/8]\n  learning: soon\n",
         "4: locations[0].learning: \"soon\" does not do; write 0 to 365d, such as 24h"},
        {"gone-after: 1m\n", "1: gone-after: \"1m\" does not do; write 1h or more, such as 7d"},
        {"\nbuckt: 1h\n", "2: buckt: there is no such key; did you mean bucket?"},
        {"mining:\n  every: 1h\n  supprot: 3\n",
         "3: mining.supprot: there is no such key; did you mean support?"},
        {"locations:\n- name: a\n  prefix: [10.0.0.0/8]\n",
         "3: locations[0].prefix: there is no such key; did you mean prefixes?"},
        {"bucket: 1h\n\nbucket: 2h\n", "3: bucket: stands here a second time"},
        {"#\nbucket: [1h]\n", "2: bucket: one value is needed"},
        {"#\nmining: 3\n", "2: mining: `key: value` lines are needed"},
        {"- a\n", "1: `key: value` lines are needed"},
        {"\nlocations: a\n", "2: locations: a list is needed"},
        {"#\nbucket: 1\n", "2: bucket: \"1\" does not do; write 1h"},
        {"bucket: 90m\n", "1: bucket: whole hours that divide a day"},
        {"bucket: 5h\n", "1: bucket: whole hours that divide a day"},
        {"bucket: 48h\n", "1: bucket: \"48h\" does not do"},
        {"mining:\n  span: 1h\n  q: 1.5\n", "3: mining.q: \"1.5\" does not do"},
        {"mining: {q: 0}\n", "1: mining.q: \"0\" does not do"},
        {"mining: {q: nan}\n", "1: mining.q: \"nan\" does not do"},
        {"mining: {support: 4294967306}\n", "1: mining.support: \"4294967306\" does not do"},
        {"mining: {support: -1}\n", "1: mining.support: \"-1\" does not do"},
        {"mining: {support: 2.5}\n", "1: mining.support: \"2.5\" does not do"},
        {"retention-bytes: 9999999999999G\n", "1: retention-bytes: \"9999999999999G\" does not do"},
        {"listen:\n- '*:2055'\n- '::1:2055'\n", "3: listen[1]: \"::1:2055\" is not an address and a port"},
        {"listen:\n- '*:2055'\n- '*:2055'\n", "3: listen[1]: *:2055 stands here twice"},
        {"listen: '*:65536'\n", "1: listen: \"*:65536\" is not"},
        {"listen: []\n", "1: listen: the list is empty"},
        {"locations:\n- prefixes: [10.0.0.0/8]\n", "2: locations[0]: this location has no name"},
        {"locations:\n- name: ../x\n  prefixes: [10.0.0.0/8]\n",
         "2: locations[0].name: \"../x\" cannot name"},
        {"locations:\n- name: a\n", "2: locations[0]: a has no prefixes"},
        {"locations:\n- name: a\n  prefixes:\n  - 10.0.0.0/8\n  - 10.0.0.0/33\n",
         "5: locations[0].prefixes[1]: \"10.0.0.0/33\" is not a prefix"},
        {"locations:\n- {name: a, prefixes: [10.0.0.0/8]}\n- name: b\n  prefixes: [10.1.2.3/8]\n",
         "4: locations[1].prefixes[0]: 10.0.0.0/8 belongs to a already"},
        {"locations:\n- {name: a, prefixes: [10.0.0.0/8]}\n- {name: a, prefixes: [11.0.0.0/8]}\n",
         "3: locations[1]: a is configured twice"},
        {"locations:\n- name: a\n  prefixes: [10.0.0.0/8]\n  active-timeout: 5\n",
         "4: locations[0].active-timeout: \"5\" does not do"},
        {"#\nmining:\n  span: 1m\n  window: 2s\n", "3: mining.span: 1m is less than one block"},
        {"retention: 2h\n", "1: mining.span: 1d is longer than the retention of 2h"},
        {"alerts-file: ''\n", "1: alerts-file: the name is empty"},
        {"bucket: &a 1h\nmining: {every: *a}\n", "2: mining.every: YAML aliases are not read"},
        {"bucket: 1h\n---\nbucket: 2h\n", "2: a second document begins here"},
        {"#\nbucket: 'x\n", "3: not valid YAML"},
        {"#\n#\nbucket: \xff\xfe\n", "3: not UTF-8 text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_refused(cases[i][0], cases[i][1]);
}

static void check_bytes(const char *bytes, size_t n, const char *expected)
{
    struct fl_config c;
    struct fl_err err = {""};
    write_bytes(bytes, n);
    assert_int_equal(fl_config_load(&c, file, &err), FL_EINVAL);
    if (!strstr(err.text, expected))
        fail_msg("%s lacks %s", err.text, expected);
    fl_config_clear(&c);
}

static void test_strange_files(void **state)
{
    struct fl_config c;
    struct fl_err err = {""};
    size_t huge = (1 << 20) + 1;
    char *bytes = malloc(huge);
    memset(bytes, '#', huge);
    check_bytes(bytes, huge, "larger than 1 MiB");
    memset(bytes, '[', huge);
    check_bytes(bytes, 200000, "not valid YAML");
    for (size_t i = 0; i < huge; i++)
        bytes[i] = i % 2 ? '\n' : '-';
    check_bytes(bytes, 200000, "more than");
    free(bytes);
    check_bytes("bucket: \0", 9, "not text");
    assert_int_equal(fl_config_load(&c, "/nonexistent/x.yaml", &err), FL_EIO);
    assert_non_null(strstr(err.text, "/nonexistent/x.yaml"));
    assert_defaults(&c);
    fl_config_clear(&c);
    assert_int_equal(fl_config_load(&c, "/tmp", &err), FL_EIO);
    fl_config_clear(&c);
}

static void test_command_line(void **state)
{
    struct fl_config c;
    struct fl_err err;
    assert_int_equal(fl_config_init(&c), 0);
    assert_string_equal(fl_config_location(&c, &(struct fl_addr){{0}}, NULL), "default");
    assert_int_equal(fl_config_add_listen(&c, "nowhere", &err), FL_EINVAL);
    assert_non_null(strstr(err.text, "--listen"));
    assert_defaults(&c);
    assert_int_equal(fl_config_add_listen(&c, "127.0.0.1:0", &err), 0);
    assert_int_equal(fl_config_add_listen(&c, "[::1]:9995", &err), 0);
    assert_int_equal(c.n_listen, 2);
    assert_string_equal(c.listen[0], "127.0.0.1:0");
    assert_int_equal(fl_config_add_location(&c, "paris=10.0.0.0/8,10.1.0.0/16", &err), 0);
    assert_int_equal(fl_config_add_location(&c, "paris=11.0.0.0/8", &err), 0);
    assert_int_equal(c.n_locations, 1);
    assert_int_equal(c.locations[0].n_prefixes, 3);
    static const char *const bad[] = {
        "", "paris", "=10.0.0.0/8", "paris=", "paris=1.2.3.0/24,", "x=10.0.0.0/99"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (fl_config_add_location(&c, bad[i], &err) != FL_EINVAL)
            fail_msg("accepted: %s", bad[i]);
    assert_int_equal(c.n_locations, 1);
    assert_int_equal(c.locations[0].n_prefixes, 3);
    assert_int_equal(fl_config_check(&c, &err), 0);
    assert_int_equal(fl_config_add_location(&c, "london=10.0.0.0/8", &err), 0);
    assert_int_equal(fl_config_check(&c, &err), FL_EINVAL);
    assert_non_null(strstr(err.text, "belongs to paris already"));
    fl_config_clear(&c);
    fl_config_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),      cmocka_unit_test(test_sample),
        cmocka_unit_test(test_values),        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_strange_files), cmocka_unit_test(test_command_line),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}

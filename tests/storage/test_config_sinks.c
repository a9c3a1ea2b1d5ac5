/* Sinks in the configuration: each kind with its defaults, and every refusal with key and remedy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/config.h"

static char file[] = "/tmp/flowlore-sinks-XXXXXX";

static int load(const char *text, struct fl_config *c, struct fl_err *err)
{
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    return fl_config_load(c, file, err);
}

static int make_file(void **state)
{
    int fd = mkstemp(file);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    return unlink(file);
}

static const char every_kind[] =
    "locations: [{name: paris, prefixes: [10.0.0.0/8]}, {name: tokyo, prefixes: [11.0.0.0/8]}]\n"
    "sinks:\n"
    "- {name: archive, kind: file, path: all.jsonl}\n"
    "- {name: log, kind: syslog}\n"
    "- {name: siem, kind: syslog, to: 'udp://[2001:db8::9]', facility: local3, severity: medium}\n"
    "- {name: relay, kind: syslog, to: 'tcp://log.example.net:6514'}\n"
    "- name: hook\n"
    "  kind: webhook\n"
    "  url: https://hooks.example.net/x?y=1\n"
    "  secret-file: /etc/flowlore/secret\n"
    "  header-file: /etc/flowlore/headers\n"
    "  ca-file: /etc/ssl/own.pem\n"
    "  proxy: http://proxy:3128\n"
    "  redirects: any\n"
    "  timeout: 5s\n"
    "- name: pager\n"
    "  kind: command\n"
    "  command: [/usr/local/bin/page, --queue, noc]\n"
    "  severity: high\n"
    "  locations: [paris]\n"
    "  events: [opened, closed]\n";

static void test_every_kind(void **state)
{
    struct fl_config c;
    struct fl_err err = {""};
    if (load(every_kind, &c, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(c.n_sinks, 6);
    const struct fl_sink_config *s = c.sinks;
    assert_string_equal(s[0].path, "all.jsonl");
    assert_int_equal(s[0].severity, 0);
    assert_int_equal(s[0].timeout_ms, 30000);
    assert_null(s[0].locations);
    assert_null(s[0].events);
    assert_int_equal(s[1].transport, FL_SYSLOG_LOCAL);
    assert_string_equal(s[1].host, "/dev/log");
    assert_int_equal(s[1].facility, 3);
    assert_int_equal(s[2].transport, FL_SYSLOG_UDP);
    assert_string_equal(s[2].host, "2001:db8::9");
    assert_int_equal(s[2].port, 514);
    assert_int_equal(s[2].facility, 19);
    assert_int_equal(s[2].severity, 1);
    assert_int_equal(s[3].transport, FL_SYSLOG_TCP);
    assert_string_equal(s[3].host, "log.example.net");
    assert_int_equal(s[3].port, 6514);
    assert_string_equal(s[4].url, "https://hooks.example.net/x?y=1");
    assert_string_equal(s[4].secret_file, "/etc/flowlore/secret");
    assert_string_equal(s[4].header_file, "/etc/flowlore/headers");
    assert_true(s[4].redirects);
    assert_int_equal(s[4].timeout_ms, 5000);
    assert_string_equal(s[5].command[2], "noc");
    assert_null(s[5].command[3]);
    assert_string_equal(s[5].locations[0], "paris");
    assert_string_equal(s[5].events[1], "closed");
    fl_config_clear(&c);
}

static void test_copies(void **state)
{
    struct fl_config c, d;
    struct fl_sink_config copy;
    assert_int_equal(load(every_kind, &c, NULL), 0);
    assert_int_equal(load(every_kind, &d, NULL), 0);
    for (size_t i = 0; i < c.n_sinks; i++) {
        assert_true(fl_sink_config_equal(&c.sinks[i], &d.sinks[i]));
        assert_int_equal(fl_sink_config_copy(&copy, &c.sinks[i]), 0);
        assert_true(fl_sink_config_equal(&copy, &c.sinks[i]));
        assert_false(fl_sink_config_equal(&copy, &c.sinks[(i + 1) % c.n_sinks]));
        fl_sink_config_clear(&copy);
    }
    d.sinks[5].events[1][0] = 'C';
    d.sinks[4].url[8] = 'H';
    d.sinks[3].port++;
    for (size_t i = 3; i < c.n_sinks; i++)
        assert_false(fl_sink_config_equal(&c.sinks[i], &d.sinks[i]));
    fl_config_clear(&c);
    fl_config_clear(&d);
}

#define FILE_SINK "{name: a, kind: file, path: /x"
static void test_refusals(void **state)
{
    static const char *const cases[][2] = {
        {"sinks: 3\n", "1: sinks: a list is needed"},
        {"sinks:\n- {kind: file, path: x}\n", "2: sinks[0]: this sink has no name"},
        {"sinks:\n- {name: a}\n", "2: sinks[0]: a has no kind; add `kind: file`"},
        {"sinks:\n- name: a\n  kind: mail\n", "3: sinks[0].kind: \"mail\" does not do; write file"},
        {"sinks:\n- name: ../a\n  kind: file\n", "2: sinks[0].name: \"../a\" cannot name"},
        {"sinks:\n- {name: file, kind: file, path: x}\n",
         "2: sinks[0].name: file is the sink that alerts-file"},
        {"sinks:\n- " FILE_SINK "}\n- " FILE_SINK "}\n", "3: sinks[1].name: there is a sink a already"},
        {"sinks:\n- name: a\n  kind: file\n  pth: x\n",
         "4: sinks[0].pth: there is no such key; did you mean path?"},
        {"sinks:\n- {name: a, kind: file}\n", "2: sinks[0]: a has no path"},
        {"sinks:\n- " FILE_SINK ", severity: loud}\n",
         "2: sinks[0].severity: \"loud\" does not do; write low"},
        {"sinks:\n- " FILE_SINK ", timeout: 5}\n", "2: sinks[0].timeout: \"5\" does not do; write 1s to 10m"},
        {"sinks:\n- " FILE_SINK ", timeout: 11m}\n", "2: sinks[0].timeout: \"11m\" does not do"},
        {"sinks:\n- " FILE_SINK ", events: []}\n", "2: sinks[0].events: the list is empty"},
        {"sinks:\n- " FILE_SINK ", events: [opened, lost]}\n", "2: sinks[0].events[1]: \"lost\" does not do"},
        {"locations: [{name: paris, prefixes: [10.0.0.0/8]}]\nsinks:\n- " FILE_SINK ", locations: [rome]}\n",
         "3: sinks[0].locations[0]: there is no location \"rome\""},
        {"sinks:\n- " FILE_SINK ", url: http://x}\n",
         "2: sinks[0].url: belongs to a webhook, and this is a file"},
        {"sinks:\n- {name: a, kind: syslog, path: x}\n",
         "2: sinks[0].path: belongs to a file, and this is a syslog"},
        {"sinks:\n- {name: a, kind: syslog, to: 192.0.2.1}\n",
         "2: sinks[0].to: \"192.0.2.1\" does not do; write udp"},
        {"sinks:\n- {name: a, kind: syslog, to: 'udp://'}\n", "2: sinks[0].to: \"udp://\" does not do"},
        {"sinks:\n- {name: a, kind: syslog, to: 'udp://h:0'}\n", "2: sinks[0].to: \"udp://h:0\" does not do"},
        {"sinks:\n- {name: a, kind: syslog, to: 'udp://h:5x'}\n",
         "2: sinks[0].to: \"udp://h:5x\" does not do"},
        {"sinks:\n- {name: a, kind: syslog, to: 'udp://[::1'}\n",
         "2: sinks[0].to: \"udp://[::1\" does not do"},
        {"sinks:\n- {name: a, kind: syslog, facility: mine}\n", "2: sinks[0].facility: \"mine\" does not do"},
        {"sinks:\n- {name: a, kind: webhook}\n", "2: sinks[0]: a has no url"},
        {"sinks:\n- {name: a, kind: webhook, url: 'ftp://x'}\n",
         "2: sinks[0].url: this is no address of a web"},
        {"sinks:\n- {name: a, kind: webhook, url: 'http://x', secret-file: s}\n",
         "2: sinks[0].secret-file: \"s\" does not do; write the file's whole path"},
        {"sinks:\n- {name: a, kind: webhook, url: 'http://x', redirects: yes}\n",
         "2: sinks[0].redirects: \"yes\" does not do; write none, or any"},
        {"sinks:\n- {name: a, kind: webhook, url: 'http://x', proxy: p}\n",
         "2: sinks[0].proxy: this is no proxy"},
        {"sinks:\n- {name: a, kind: command}\n", "2: sinks[0]: a has no command"},
        {"sinks:\n- {name: a, kind: command, command: []}\n", "2: sinks[0].command: the list is empty"},
        {"sinks:\n- {name: a, kind: command, command: [page]}\n",
         "2: sinks[0].command[0]: \"page\" does not do"},
        {"sinks:\n- {name: a, kind: command, command: /bin/page}\n", "2: sinks[0].command: a list is needed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fl_config c;
        struct fl_err err = {""};
        assert_int_equal(load(cases[i][0], &c, &err), FL_EINVAL);
        if (!strstr(err.text, cases[i][1]))
            fail_msg("%s lacks %s", err.text, cases[i][1]);
        assert_int_equal(c.n_sinks, 0);
        fl_config_clear(&c);
    }
}

/* A URL may carry a token: no message repeats it. */
static void test_a_bad_url_is_not_repeated(void **state)
{
    struct fl_config c;
    struct fl_err err = {""};
    assert_int_equal(load("sinks: [{name: a, kind: webhook, url: 'hooks.example.net/s3cret'}]\n", &c, &err),
                     FL_EINVAL);
    assert_null(strstr(err.text, "s3cret"));
    fl_config_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_a_bad_url_is_not_repeated),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}

/*
 * plan_file.c - the plans that operands name
 */
#include "kgroups/plan_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { PLAN_BYTES_MAX = 256 << 20 };

static int read_file(struct kgroups *k, const char *name, struct buffer *text)
{
	bool is_stdin = strcmp(name, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	int rc = fd < 0 ? -errno : buffer_read(text, fd, PLAN_BYTES_MAX);

	if (fd >= 0 && !is_stdin)
		close(fd);
	if (rc == 0)
		return EXIT_GO_ON;
	return message_fail(&k->run.messages,
			    rc == -ENOENT ? EXIT_MISSING : EXIT_REFUSED,
			    "cannot read '%s': %s", name, strerror(-rc));
}

static int read_plan(struct kgroups *k, const char *name, struct plan *plan)
{
	struct buffer text = { 0 };
	char why[PLAN_WHY_MAX];
	int64_t line;
	int status = read_file(k, name, &text);

	/* What was to make it has failed: that must not look well. */
	if (status == EXIT_GO_ON && text.len == 0)
		status = message_fail(&k->run.messages, EXIT_BAD_DATA,
				      "%s is empty, not a plan",
				      strcmp(name, "-") == 0 ? "stdin" : name);
	if (status == EXIT_GO_ON) {
		int rc = plan_read(plan, buffer_slice(&text), k->options.group,
				   why, &line);

		if (rc == -ENOMEM)
			run_out_of_memory(&k->run);
		if (rc < 0)
			status = message_fail(&k->run.messages, EXIT_BAD_DATA,
					      "%s:%lld: %s; nothing changed",
					      strcmp(name, "-") == 0 ? "stdin"
								     : name,
					      (long long)line, why);
	}
	buffer_clear(&text);
	return status;
}

int plan_files_read(struct kgroups *k, struct plan *plan)
{
	int status = EXIT_GO_ON;

	if (k->run.operand_count == 0)
		return read_plan(k, "-", plan);
	for (int i = 0; status == EXIT_GO_ON && i < k->run.operand_count; i++)
		status = read_plan(k, k->run.operands[i], plan);
	return status;
}

/*
 * program_settings.c - where the program's settings and its log come from
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kbrokerd/program.h"

enum { LOG_FILE_MODE = 0640 };

/* The log */

int program_open_log(struct program *p)
{
	int fd;
	int rc = 0;

	if (p->log_file == NULL)
		return 0;
	fd = open(p->log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
		  LOG_FILE_MODE);
	if (fd < 0)
		return -errno;
	if (p->logger.fd == STDERR_FILENO) {
		p->logger.fd = fd;
		return 0;
	}
	/* Whoever writes a line right now writes it whole, to either file. */
	if (dup3(fd, p->logger.fd, O_CLOEXEC) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static enum logger_level base_level(const struct program *p)
{
	if (p->quiet)
		return LOGGER_WARN;
	if (p->verbose > 0)
		return LOGGER_DEBUG;
	return p->run ? LOGGER_ERROR : LOGGER_INFO;
}

int program_set_levels(struct program *p, const struct config *config,
		       char *error, size_t error_size)
{
	const char *text =
		config == NULL ? NULL : config_text(config, "logging.level");
	int rc = 0;

	logger_set_level(&p->logger, NULL, base_level(p));
	if (text != NULL)
		rc = logger_set_levels(&p->logger, text, error, error_size);
	for (size_t i = 0; rc == 0 && i < p->log_levels.count; i++)
		rc = logger_set_levels(&p->logger, p->log_levels.items[i],
				       error, error_size);
	return rc;
}

int program_init_talk(struct program *p)
{
	char error[256];
	int rc;

	p->messages.verbosity = p->quiet ? -1 : p->verbose;
	p->logger.fd = STDERR_FILENO;
	p->logger.format = (enum logger_format)p->log_format;
	p->logger.clock = clock_system();
	rc = p->test || p->print ? 0 : program_open_log(p);
	if (rc < 0)
		return message_fail(&p->messages, EXIT_REFUSED,
				    "--log-file %s: %s", p->log_file,
				    strerror(-rc));
	p->logger.journal =
		logger_is_journal(p->logger.fd, getenv("JOURNAL_STREAM"));
	if (program_set_levels(p, NULL, error, sizeof(error)) < 0)
		return message_usage(&p->messages, "--log-level: %s", error);
	return EXIT_GO_ON;
}

/* Settings */

static void on_notice(void *arg, int level, const char *text)
{
	struct program *p = arg;

	logger_tell(&p->logger, (enum logger_level)level, "config", text, NULL);
}

int program_load_config(struct program *p, struct config **config_out,
			char *error, size_t error_size)
{
	struct config_input input = {
		.file = p->file,
		.sets = p->sets.items,
		.set_count = p->sets.count,
		.topics = p->topics.items,
		.topic_count = p->topics.count,
		/* A private broker is the same everywhere. */
		.environment = p->run ? NULL : environ,
		.no_default_file = p->run,
		.temporary_dir =
			p->temporary_dir[0] == '\0' ? NULL : p->temporary_dir,
		.inherited = p->run ? NULL : &p->inherited,
		.lenient = p->lenient,
		.notice = on_notice,
		.notice_arg = p,
	};
	int rc = config_load(&input, config_out, error, error_size);

	if (rc == 0)
		rc = program_set_levels(p, *config_out, error, error_size);
	return rc;
}

int program_check(struct program *p)
{
	char error[1024];

	if (program_load_config(p, &p->config, error, sizeof(error)) < 0)
		return message_fail(&p->messages, EXIT_USAGE, "%s", error);
	if (p->print)
		config_print(p->config, stdout);
	if (p->print || p->test) {
		if (fflush(stdout) != 0)
			return message_fail(&p->messages, EXIT_REFUSED,
					    "stdout: %s", strerror(errno));
		return EXIT_OK;
	}
	return EXIT_GO_ON;
}

/*
 * complaints.h - errors that clients are answered with, told in the log
 *
 * Each kind of error (client, API, topic, code) is told once, and again when
 * it still happens a minute later; of all together a few a second.  What
 * belongs to the ordinary course of things, as an unknown fetch session or a
 * group that is asked for as of the wrong type, is for level debug, what a
 * client is to try again for info, the rest warn.
 */
#ifndef KBROKERD_COMPLAINTS_H
#define KBROKERD_COMPLAINTS_H

struct broker;
struct complaints;

/* Look on at the broker's server, which is not started yet.  Returns 0 or a
 * negative errno. */
int complaints_new(struct broker *broker, struct complaints **complaints_out);

/* After the server has gone.  NULL is allowed. */
void complaints_free(struct complaints *complaints);

#endif /* KBROKERD_COMPLAINTS_H */

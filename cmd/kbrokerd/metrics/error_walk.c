/*
 * error_walk.c - the error codes in an answer
 *
 * A walk is a tree of steps: a step is a field of the struct at hand, either
 * an error code or a struct, or array of structs, that has steps of its own.
 * What leads to no error code has no step.  Fields that the answer's version
 * lacks have their default, which is no error.
 */
#include "kbrokerd/metrics/error_walk.h"

#include <stdlib.h>
#include <string.h>

#include "wire/desc.h"

struct step {
	uint16_t offset;
	uint8_t op;    /* INT16: the code itself; STRUCT, POINTER or ARRAY */
	uint16_t size; /* of an array's element */
	struct error_walk *into;
};

struct error_walk {
	int32_t throttle_offset; /* -1: it has none */
	size_t step_count;
	struct step steps[];
};

static bool is_code(const struct wire_field *f)
{
	return f->op == WIRE_OP_INT16 && strcmp(f->name, "error_code") == 0;
}

static void add(struct error_walk *walk, const struct wire_field *f,
		struct error_walk *into)
{
	walk->steps[walk->step_count++] = (struct step){
		.offset = f->offset,
		.op = f->op,
		.size = (uint16_t)(f->desc == NULL ? 0 : wire_elem_size(f)),
		.into = into,
	};
}

static bool add_field(struct error_walk *walk, const struct wire_field *f)
{
	struct error_walk *into;

	if (is_code(f)) {
		add(walk, f, NULL);
		return true;
	}
	if (f->op == WIRE_OP_INT32 && strcmp(f->name, "throttle_time_ms") == 0)
		walk->throttle_offset = f->offset;
	if (f->desc == NULL)
		return true;
	into = error_walk_new(f->desc);
	if (into == NULL)
		return false;
	if (into->step_count > 0)
		add(walk, f, into);
	else
		error_walk_free(into);
	return true;
}

struct error_walk *error_walk_new(const struct wire_desc *desc)
{
	size_t count = (size_t)desc->plain_count + desc->tagged_count;
	struct error_walk *walk =
		calloc(1, sizeof(*walk) + count * sizeof(struct step));

	if (walk == NULL)
		return NULL;
	walk->throttle_offset = -1;
	for (size_t i = 0; i < count; i++) {
		if (!add_field(walk, &desc->fields[i])) {
			error_walk_free(walk);
			return NULL;
		}
	}
	return walk;
}

void error_walk_free(struct error_walk *walk)
{
	if (walk == NULL)
		return;
	for (size_t i = 0; i < walk->step_count; i++)
		error_walk_free(walk->steps[i].into);
	free(walk);
}

static void run_array(const struct step *step, const uint8_t *at,
		      void (*on_error)(void *arg, int16_t code), void *arg)
{
	const uint8_t *elem;
	int32_t count;

	memcpy(&elem, at, sizeof(elem));
	memcpy(&count, at + sizeof(elem), sizeof(count));
	if (elem == NULL)
		return;
	for (int32_t i = 0; i < count; i++, elem += step->size)
		error_walk_run(step->into, elem, on_error, arg);
}

void error_walk_run(const struct error_walk *walk, const void *message,
		    void (*on_error)(void *arg, int16_t code), void *arg)
{
	for (size_t i = 0; i < walk->step_count; i++) {
		const struct step *step = &walk->steps[i];
		const uint8_t *at = (const uint8_t *)message + step->offset;
		const void *pointer;
		int16_t code;

		if (step->op == WIRE_OP_INT16) {
			memcpy(&code, at, sizeof(code));
			if (code != 0)
				on_error(arg, code);
		} else if (step->op == WIRE_OP_ARRAY) {
			run_array(step, at, on_error, arg);
		} else if (step->op == WIRE_OP_STRUCT) {
			error_walk_run(step->into, at, on_error, arg);
		} else {
			memcpy(&pointer, at, sizeof(pointer));
			if (pointer != NULL)
				error_walk_run(step->into, pointer, on_error,
					       arg);
		}
	}
}

int32_t error_walk_throttle_ms(const struct error_walk *walk,
			       const void *message)
{
	int32_t ms;

	if (walk->throttle_offset < 0)
		return 0;
	memcpy(&ms, (const uint8_t *)message + walk->throttle_offset,
	       sizeof(ms));
	return ms;
}

/*
 * digest_test.c - hashes are those of FIPS 180 and RFC 4231
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/digest.h"

static void assert_hex(const uint8_t *bytes, size_t len, const char *hex)
{
	char text[2 * DIGEST_SIZE_MAX + 1] = "";

	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	assert_string_equal(text, hex);
}

static void hashes_are_those_of_fips_180(void **state)
{
	uint8_t out[DIGEST_SIZE_MAX];

	(void)state;
	assert_int_equal(digest_size(DIGEST_SHA256), 32);
	assert_int_equal(digest_size(DIGEST_SHA512), 64);
	digest_hash(DIGEST_SHA256, slice_of("abc"), out);
	assert_hex(out, 32,
		   "ba7816bf8f01cfea414140de5dae2223"
		   "b00361a396177a9cb410ff61f20015ad");
	digest_hash(DIGEST_SHA512, slice_of("abc"), out);
	assert_hex(out, 64,
		   "ddaf35a193617abacc417349ae204131"
		   "12e6fa4e89a97ea20a9eeee64b55d39a"
		   "2192992a274fc1a836ba3c23a3feebbd"
		   "454d4423643ce80e2a9ac94fa54ca49f");
}

static void hmacs_are_those_of_rfc_4231(void **state)
{
	static const char data[] = "what do ya want for nothing?";
	uint8_t out[DIGEST_SIZE_MAX];

	(void)state;
	digest_hmac(DIGEST_SHA256, slice_of("Jefe"), slice_of(data), out);
	assert_hex(out, 32,
		   "5bdcc146bf60754e6a042426089575c7"
		   "5a003f089d2739839dec58b964ec3843");
	digest_hmac(DIGEST_SHA512, slice_of("Jefe"), slice_of(data), out);
	assert_hex(out, 64,
		   "164b7a7bfcf819e2e395fbe73b56e0a3"
		   "87bd64222e831fd610270cd7ea250554"
		   "9758bf75c05a994a6d034f65f8f0e6fd"
		   "caeab1a34d4a6b4b636e070a38bce737");
}

static void a_key_longer_than_a_block_is_hashed(void **state)
{
	static const char data[] = "Test Using Larger Than Block-Size Key - "
				   "Hash Key First";
	uint8_t key[131];
	uint8_t out[DIGEST_SIZE_MAX];

	(void)state;
	memset(key, 0xaa, sizeof(key));
	digest_hmac(DIGEST_SHA256, (struct slice){ key, sizeof(key) },
		    slice_of(data), out);
	assert_hex(out, 32,
		   "60e431591ee0b67f0d8a26aacbf5b77f"
		   "8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_are_those_of_fips_180),
		cmocka_unit_test(hmacs_are_those_of_rfc_4231),
		cmocka_unit_test(a_key_longer_than_a_block_is_hashed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

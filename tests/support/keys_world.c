#include "tests/support/keys_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/log.h"

static bool bus_send(void *self, const struct id *partner, struct span message)
{
    struct keys_world *world = self;

    assert_true(id_equal(partner, &world->other.chain.feed));
    buffer_clear(&world->sent);
    return buffer_append(&world->sent, message.data, message.size);
}

void keys_world_certify(struct institution *institution, struct buffer *out)
{
    struct buffer unused = {0};

    institution_certify(institution, false, out ? out : &unused);
    buffer_finish(&unused);
}

int keys_world_setup(void **state)
{
    struct keys_world *world = calloc(1, sizeof *world);

    assert_non_null(world);
    log_set_level(LOG_SILENT);
    exchange_fixture_init(&world->base);
    world->base.config.bus.self = world;
    world->base.config.bus.send = bus_send;
    institution_init(&world->other, 2);
    keys_world_certify(&world->other, NULL);
    exchange_fixture_start(&world->base);
    *state = world;
    return 0;
}

int keys_world_teardown(void **state)
{
    struct keys_world *world = *state;

    exchange_fixture_finish(&world->base);
    institution_finish(&world->other);
    buffer_finish(&world->sent);
    free(world);
    return 0;
}

void keys_world_add_partner(struct keys_world *world)
{
    struct buffer armour = {0};
    struct card card = {0};

    institution_card(&world->other, "th-other", ++world->base.now, &armour);
    assert_int_equal(card_read(buffer_span(&armour), INSTITUTION_NETWORK, &card, NULL), ERROR_NONE);
    exchange_fixture_begin(&world->base);
    assert_int_equal(exchange_partner_add(world->base.exchange, &card, false, NULL), ERROR_NONE);
    exchange_fixture_commit(&world->base);
    card_finish(&card);
    buffer_finish(&armour);
}

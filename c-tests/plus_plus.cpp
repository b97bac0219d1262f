// What tlsbio.hpp adds to tlsbio.h: values that own, results, and questions to visit. The program is compiled as C++17 and C++20,
// with exceptions and without, by two compilers.
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>
#include <type_traits>

#include <tlsbio.hpp>

namespace {

[[noreturn]] void fail(const char *what, int line)
{
    std::printf("plus_plus.cpp:%d: not true: %s\n", line, what);
    std::exit(1);
}

#define CHECK(condition) ((condition) ? void() : fail(#condition, __LINE__))

static_assert(!std::is_copy_constructible_v<tlsbio::connection>);
static_assert(std::is_nothrow_move_constructible_v<tlsbio::connection>);
static_assert(std::is_nothrow_move_assignable_v<tlsbio::buffer>);
static_assert(!std::is_polymorphic_v<tlsbio::connection> && !std::is_polymorphic_v<tlsbio::builder>);
static_assert(sizeof(tlsbio::connection) == sizeof(void *) && sizeof(tlsbio::buffer) == sizeof(void *));

std::string directory;

std::string file(const char *name)
{
    std::ifstream stream(directory + "/" + name);
    std::ostringstream text;
    text << stream.rdbuf();
    CHECK(!text.str().empty());
    return text.str();
}

void carry(tlsbio::connection &from, tlsbio::connection &to)
{
    for (tlsbio::bytes wire = from.peek(); !wire.empty(); wire = from.peek()) {
        tlsbio::moved fed = to.feed(wire);
        CHECK(fed && fed.count() > 0);
        CHECK(from.consume(fed.count()) == TLS_OK);
        to.advance();
    }
}

void shake_hands(tlsbio::connection &client, tlsbio::connection &server)
{
    for (int round = 0; round < 5; round++) {
        carry(client, server);
        carry(server, client);
    }
    CHECK(client.advance() == TLS_OK && server.advance() == TLS_OK);
}

tlsbio::context client_context()
{
    tlsbio::builder recipe;
    tlsbio::result<tlsbio::context> made = recipe.trust_pem(file("trust/all.pem")).alpn("\x02h2").client();
    CHECK(made.has_value() && made.status() == TLS_OK);
    return *std::move(made);
}

tlsbio::context server_context()
{
    tlsbio::builder recipe;
    recipe.identity_pem(file("ecdsa/server-chain.pem"), file("ecdsa/server.key")).alpn("\x02h2");
    tlsbio::result<tlsbio::context> made = recipe.server();
    CHECK(made);
    return std::move(made).value();
}

struct pair {
    tlsbio::connection client, server;
};

pair connected()
{
    pair made{*client_context().connect("localhost"), *server_context().accept()};
    shake_hands(made.client, made.server);
    return made;
}

std::string read_all(tlsbio::connection &conn)
{
    std::array<std::byte, 4096> plain;
    std::string all;
    while (std::size_t count = conn.read(plain).count())
        all += tlsbio::text_of(tlsbio::bytes(plain.data(), count));
    return all;
}

void bytes_go_by_every_way()
{
    pair two = connected();
    CHECK(two.client.alpn() == "h2" && two.server.sni() == "localhost");
    std::array<char, 6> room;
    CHECK(two.server.sni(room) == "local" && two.client.alpn(room) == "h2");
    CHECK(two.client.protocol_version() == TLS_VERSION_1_3 && two.client.cipher_suite() != 0);
    CHECK(two.client.peer_certificate().size() > 100 && two.client.peer_certificate(9).empty());

    CHECK(two.client.write("peeked").count() == 6);
    carry(two.client, two.server);
    CHECK(read_all(two.server) == "peeked");

    std::string large(two.client.writable(), 'x');
    CHECK(two.client.write(large).count() == large.size() && two.client.writable() == 0);
    CHECK(two.client.write("more").status() == TLS_WANT_DRAIN);
    tlsbio::buffer taken = two.client.take(), other;
    CHECK(taken && !two.client.take() && !two.client.state().can_drain());
    other = std::move(taken);
    CHECK(!taken && !other.memory().empty()); // NOLINT: a moved-from owner is empty
    CHECK(two.server.feed(other.memory()).count() == other.memory().size());
    CHECK(read_all(two.server) == large);
    std::thread([buffer = std::move(other)] {}).join();

    CHECK(two.client.write("into a window").count() == 13);
    std::vector<std::byte> wire(two.client.pending());
    CHECK(two.client.drain(wire).count() == wire.size());
    CHECK(two.server.feed_needed() == 5);
    tlsbio::result<tlsbio::writable_bytes> window = two.server.window(wire.size());
    CHECK(window && window->size() >= wire.size() && two.server.state().window_open());
    std::memcpy(window->data(), wire.data(), wire.size());
    CHECK(two.server.commit(wire.size()) == TLS_OK);
    CHECK(read_all(two.server) == "into a window");

    tlsbio::context context = client_context();
    tlsbio::buffer received = context.make_buffer(1000);
    CHECK(context.buffers().in_flight == 1 && received.memory().size() == 1000);
    CHECK(two.server.write("a buffer of mine").count() == 16);
    std::size_t count = two.server.drain(received.memory()).count();
    CHECK(two.client.feed(received, 1001) == TLS_ERR_ARGUMENT && received);
    CHECK(two.client.feed(received, count) == TLS_OK && !received);
    CHECK(read_all(two.client) == "a buffer of mine" && context.buffers().in_flight == 0);

    std::array<std::byte, 256> sealed;
    std::array<tls_span_t, 2> spans;
    std::size_t consumed = 0, done = 0;
    count = two.client.write_into(tlsbio::bytes_of("in place"), sealed, consumed).count();
    CHECK(count > 8 && consumed == 8);
    CHECK(two.server.read_in_place(tlsbio::writable_bytes(sealed.data(), count), spans, done).count() == 1);
    CHECK(done == count && spans[0].len == 8);

    tlsbio::result<tlsbio::connection> sending = two.client.split();
    CHECK(sending && sending->write("half").count() == 4);
    CHECK(two.client.write("half").status() == TLS_ERR_STATE);
    carry(*sending, two.server);
    CHECK(read_all(two.server) == "half");
    CHECK(sending->close_notify() == TLS_OK);
    carry(*sending, two.server);
    CHECK(two.server.advance() == TLS_CLOSED && two.server.state().peer_closed());
}

struct Answer {
    const tlsbio::context &context;
    std::string &asked;
    void operator()(std::monostate) const {}
    void operator()(tlsbio::ask_context ask) const
    {
        asked += "context ";
        CHECK(ask.answer(context) == TLS_OK);
    }
    void operator()(tlsbio::ask_verify ask) const
    {
        asked += "verify ";
        CHECK(ask.decide_by_rules() == TLS_OK);
    }
    template <typename Other> void operator()(Other ask) const
    {
        asked += "another ";
        CHECK(ask.refuse(80) == TLS_OK);
    }
};

void questions_are_visited()
{
    tlsbio::context server = server_context();
    tlsbio::builder recipe;
    recipe.trust_pem(file("trust/all.pem")).verify(TLS_VERIFY_ASK);
    tlsbio::connection asking = *tlsbio::accept_asking();
    tlsbio::connection client = *recipe.client()->connect(std::string("localhost"));
    std::string asked;
    for (int round = 0; round < 5; round++) {
        carry(client, asking);
        std::visit(Answer{server, asked}, asking.question());
        carry(asking, client);
        std::visit(Answer{server, asked}, client.question());
    }
    CHECK(asked == "context verify ");
    CHECK(client.advance() == TLS_OK && asking.advance() == TLS_OK);
    CHECK(!client.next_event());
}

void what_went_wrong_is_told()
{
    tlsbio::builder recipe;
    recipe.alpn("\x05").versions(TLS_VERSION_1_3, TLS_VERSION_1_3);
    CHECK(recipe.last() == TLS_OK);
    tlsbio::result<tlsbio::context> none = recipe.client();
    CHECK(!none && none.failure().reason() == TLS_REASON_ALPN_MALFORMED);
    CHECK(none.failure().reason_name() == "TLS_REASON_ALPN_MALFORMED" && none.failure().message().size() > 10);
    CHECK(tlsbio::error(TLS_ERR_HANDLE).message() == "TLS_ERR_HANDLE");
#if defined(__cpp_exceptions)
    try {
        none.value();
        CHECK(false);
    } catch (const tlsbio::failure &failure) {
        CHECK(failure.why().status() == none.status() && std::strlen(failure.what()) > 10);
    }
#endif
    tlsbio::connection moved_from = *server_context().accept(), conn = std::move(moved_from);
    CHECK(moved_from.advance() == TLS_ERR_ARGUMENT); // NOLINT: a moved-from owner is empty
    CHECK(conn.feed(tlsbio::bytes_of("GET / HTTP/1.0\r\n")).count() == 16);
    CHECK(conn.advance() == TLS_ERR_PEER && conn.state().failed());
    CHECK(conn.error().reason() == TLS_REASON_NOT_TLS && conn.error().alert_sent() > 0);
}

} // namespace

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    directory = argv[1];
    bytes_go_by_every_way();
    questions_are_visited();
    what_went_wrong_is_told();
    std::puts("tlsbio.hpp: whole");
}

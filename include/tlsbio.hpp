// tlsbio.hpp: the interface of tlsbio.h for C++17 and newer.
//
// Header only, and nothing but that interface: owners that are moved instead of freed by hand, spans instead of a pointer and a
// length, results that hold a value or say why there is none, and questions as a std::variant. What each function means stands in
// tlsbio.h with the C function that its comment names; the section that introduces it, too. There is no virtual function (but what
// std::exception has), no std::function, and no allocation but of the strings and vectors that a name says it makes.
//
//     tlsbio::builder recipe;
//     recipe.trust_file("ca.pem").alpn("\x02h2");
//     auto context = recipe.client();
//     if (!context)
//         std::cerr << context.failure().message();
//     auto conn = context->connect("example.org");
//
// A call on a builder that fails is told by client() and server(): the first failure of all (tls_builder_error).
//
// Exceptions: no function throws but result::value(), which throws tlsbio::failure where there is none; in a program that is
// compiled without exceptions it ends the program. The other ways to look at a result never do.
//
// Threads, forks and lifetimes are those of tlsbio.h. A moved-from object holds NULL, which every function answers by
// TLS_ERR_ARGUMENT.
#ifndef TLSBIO_HPP
#define TLSBIO_HPP

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#if __has_include(<version>)
#include <version>
#endif
#if defined(__cpp_lib_span)
#include <span>
#endif
#if defined(__cpp_exceptions)
#include <exception>
#endif

#include "tlsbio.h"

namespace tlsbio {

#if defined(__cpp_lib_span)
template <typename T> using span = std::span<T>;
#else
/// What is needed here of C++20's std::span.
template <typename T> class span {
  public:
    constexpr span() noexcept = default;
    constexpr span(T *first, std::size_t count) noexcept : first_(first), count_(count) {}
    template <std::size_t N> constexpr span(T (&array)[N]) noexcept : first_(array), count_(N) {}
    template <typename C, typename = decltype(static_cast<T *>(std::declval<C &>().data()))>
    constexpr span(C &&container) noexcept : first_(container.data()), count_(container.size())
    {
    }
    constexpr T *data() const noexcept { return first_; }
    constexpr std::size_t size() const noexcept { return count_; }
    constexpr bool empty() const noexcept { return count_ == 0; }
    constexpr T *begin() const noexcept { return first_; }
    constexpr T *end() const noexcept { return first_ + count_; }
    constexpr T &operator[](std::size_t at) const noexcept { return first_[at]; }
    constexpr span first(std::size_t count) const noexcept { return span(first_, count); }
    constexpr span subspan(std::size_t from) const noexcept { return span(first_ + from, count_ - from); }

  private:
    T *first_ = nullptr;
    std::size_t count_ = 0;
};
#endif

using bytes = span<const std::byte>;
using writable_bytes = span<std::byte>;

/// The bytes of a text.
inline bytes bytes_of(std::string_view text) noexcept
{
    return bytes(reinterpret_cast<const std::byte *>(text.data()), text.size());
}

/// The text that bytes are.
inline std::string_view text_of(bytes data) noexcept
{
    return std::string_view(reinterpret_cast<const char *>(data.data()), data.size());
}

/// Everything that is known about an error (tls_error_t).
class error {
  public:
    error() noexcept : raw_(TLS_ERROR_INIT) {}
    explicit error(tls_status_t status) noexcept : error() { raw_.status = status; }

    tls_status_t status() const noexcept { return raw_.status; }
    std::int32_t reason() const noexcept { return raw_.reason; }
    std::string_view status_name() const noexcept { return tls_status_name(raw_.status); }
    std::string_view reason_name() const noexcept { return tls_reason_name(raw_.reason); }
    /// -1 if none.
    std::int16_t alert_sent() const noexcept { return raw_.alert_sent; }
    /// -1 if none.
    std::int16_t alert_received() const noexcept { return raw_.alert_received; }
    /// A sentence for people; the status's name where there is none.
    std::string_view message() const noexcept
    {
        return raw_.message[0] != '\0' ? std::string_view(raw_.message) : status_name();
    }
    tls_error_t *get() noexcept { return &raw_; }

  private:
    tls_error_t raw_;
};

#if defined(__cpp_exceptions)
/// What result::value() throws.
class failure : public std::exception {
  public:
    explicit failure(const error &why) noexcept : why_(why) {}
    const char *what() const noexcept override { return why_.message().data(); }
    const error &why() const noexcept { return why_; }

  private:
    error why_;
};
#endif

namespace detail {

[[noreturn]] inline void no_value([[maybe_unused]] const error &why)
{
#if defined(__cpp_exceptions)
    throw failure(why);
#else
    std::abort();
#endif
}

/// Owns a handle.
template <typename Handle, void (*End)(Handle *)> class owner {
  public:
    owner() noexcept = default;
    explicit owner(Handle *handle) noexcept : handle_(handle) {}
    owner(owner &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    owner &operator=(owner &&other) noexcept
    {
        if (this != &other)
            reset(std::exchange(other.handle_, nullptr));
        return *this;
    }
    owner(const owner &) = delete;
    owner &operator=(const owner &) = delete;
    ~owner() { reset(); }

    /// For calls of tlsbio.h; NULL if it was moved away.
    Handle *get() const noexcept { return handle_; }
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /// The handle, which the caller owns from now on.
    Handle *release() noexcept { return std::exchange(handle_, nullptr); }
    void reset(Handle *handle = nullptr) noexcept
    {
        if (Handle *former = std::exchange(handle_, handle))
            End(former);
    }

  private:
    Handle *handle_ = nullptr;
};

/// A fact that is copied out, as often as it takes to have all of it.
template <typename Copy> std::vector<std::byte> copied(Copy copy)
{
    std::vector<std::byte> fact;
    for (std::ptrdiff_t size = copy(nullptr, 0); size > static_cast<std::ptrdiff_t>(fact.size());) {
        fact.resize(static_cast<std::size_t>(size));
        size = copy(fact.data(), fact.size());
    }
    return fact;
}

} // namespace detail

/// A value, or why there is none. Like C++23's std::expected<T, error>, and smaller where the value is a count or a status.
template <typename T> class [[nodiscard]] result {
  public:
    result(T value) noexcept(std::is_nothrow_move_constructible_v<T>) : held_(std::move(value)) {}
    result(error why) noexcept : held_(why) {}

    bool has_value() const noexcept { return held_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }
    T *operator->() noexcept { return std::get_if<0>(&held_); }
    T &operator*() & noexcept { return *std::get_if<0>(&held_); }
    T &&operator*() && noexcept { return std::move(*std::get_if<0>(&held_)); }
    /// Throws a tlsbio::failure, or ends the program where there are no exceptions.
    T &value() &
    {
        if (!has_value())
            detail::no_value(failure());
        return **this;
    }
    T &&value() &&
    {
        if (!has_value())
            detail::no_value(failure());
        return std::move(**this);
    }
    /// TLS_OK with a value.
    tls_status_t status() const noexcept { return has_value() ? TLS_OK : failure().status(); }
    /// Empty with a value.
    error failure() const noexcept
    {
        const error *why = std::get_if<1>(&held_);
        return why ? *why : error();
    }

  private:
    std::variant<T, error> held_;
};

/// What a call that moves bytes did: a count, or the status that says what has to be done first.
class [[nodiscard]] moved {
  public:
    explicit constexpr moved(std::ptrdiff_t answer) noexcept : answer_(answer) {}
    constexpr explicit operator bool() const noexcept { return answer_ >= 0; }
    /// 0 if nothing was moved.
    constexpr std::size_t count() const noexcept { return answer_ > 0 ? static_cast<std::size_t>(answer_) : 0; }
    constexpr tls_status_t status() const noexcept
    {
        return answer_ < 0 ? static_cast<tls_status_t>(answer_) : TLS_OK;
    }

  private:
    std::ptrdiff_t answer_;
};

/// What can be done now (tls_state).
class state {
  public:
    explicit constexpr state(std::uint32_t bits) noexcept : bits_(bits) {}
    constexpr std::uint32_t bits() const noexcept { return bits_; }
    constexpr bool can_feed() const noexcept { return has(TLS_CAN_FEED); }
    constexpr bool can_drain() const noexcept { return has(TLS_CAN_DRAIN); }
    constexpr bool can_read() const noexcept { return has(TLS_CAN_READ); }
    constexpr bool can_write() const noexcept { return has(TLS_CAN_WRITE); }
    constexpr bool handshaking() const noexcept { return has(TLS_HANDSHAKING); }
    constexpr bool asking() const noexcept { return has(TLS_ASKING); }
    constexpr bool peer_closed() const noexcept { return has(TLS_PEER_CLOSED); }
    constexpr bool we_closed() const noexcept { return has(TLS_WE_CLOSED); }
    constexpr bool eof() const noexcept { return has(TLS_EOF); }
    constexpr bool failed() const noexcept { return has(TLS_FAILED); }
    constexpr bool has_event() const noexcept { return has(TLS_HAS_EVENT); }
    constexpr bool wake_sender() const noexcept { return has(TLS_WAKE_SENDER); }
    constexpr bool window_open() const noexcept { return has(TLS_WINDOW_OPEN); }

  private:
    constexpr bool has(std::uint32_t bit) const noexcept { return (bits_ & bit) != 0; }
    std::uint32_t bits_;
};

/// Memory for wire bytes that the program owns while it is in flight (tls_buffer_t, section 22).
class buffer : public detail::owner<tls_buffer_t, tls_buffer_free> {
  public:
    using owner::owner;
    /// The room to receive into, or the wire bytes to send, which are not written to (tls_buffer_memory).
    writable_bytes memory() const noexcept
    {
        void *start = nullptr;
        std::size_t size = 0;
        if (tls_buffer_memory(get(), &start, &size) != TLS_OK)
            return {};
        return writable_bytes(static_cast<std::byte *>(start), size);
    }
};

/// A session of a client (tls_session_t, section 12).
class session : public detail::owner<tls_session_t, tls_session_free> {
  public:
    using owner::owner;
    std::uint16_t version() const noexcept { return tls_session_version(get()); }
};

class context;

/// The parts of an answer that all questions share.
class question {
  public:
    explicit question(tls_conn_t *conn) noexcept : conn_(conn) {}
    /// Ends the handshake with an alert (tls_answer_refuse).
    tls_status_t refuse(std::uint8_t alert) const noexcept { return tls_answer_refuse(conn_, alert); }
    tls_conn_t *conn() const noexcept { return conn_; }

  private:
    tls_conn_t *conn_;
};

/// TLS_ASK_CONTEXT: what the ClientHello says is in the facts of the connection, and in section 10.
struct ask_context : question {
    using question::question;
    inline tls_status_t answer(const context &chosen) const noexcept;
};

/// TLS_ASK_VERIFY: accept or reject the peer's identity.
struct ask_verify : question {
    using question::question;
    tls_status_t accept() const noexcept { return tls_answer_verify(conn(), 0); }
    /// By the rules of the context.
    tls_status_t decide_by_rules() const noexcept { return tls_answer_verify(conn(), -1); }
    tls_status_t reject(std::int32_t alert) const noexcept { return tls_answer_verify(conn(), alert); }
};

/// TLS_ASK_SIGN: a signature by a key that is elsewhere.
struct ask_sign : question {
    using question::question;
    std::uint16_t scheme() const noexcept { return tls_sign_scheme(conn()); }
    std::vector<std::byte> message() const
    {
        return detail::copied([this](void *to, std::size_t room) { return tls_sign_message(conn(), to, room); });
    }
    std::vector<std::byte> certificate() const
    {
        return detail::copied([this](void *to, std::size_t room) { return tls_sign_certificate(conn(), to, room); });
    }
    tls_status_t answer(bytes signature) const noexcept
    {
        return tls_answer_sign(conn(), signature.data(), signature.size());
    }
};

/// TLS_ASK_IDENTITY: a server asks this client for a certificate.
struct ask_identity : question {
    using question::question;
    inline tls_status_t answer(const context &with_identity) const noexcept;
    tls_status_t show_none() const noexcept { return tls_answer_identity(conn(), nullptr); }
};

/// TLS_ASK_SESSION: is this session stored?
struct ask_session : question {
    using question::question;
    std::vector<std::byte> key() const
    {
        return detail::copied([this](void *to, std::size_t room) { return tls_lookup_key(conn(), to, room); });
    }
    /// Whether it has to be taken out of the store before the answer.
    bool once() const noexcept { return tls_lookup_once(conn()) == 1; }
    tls_status_t answer(bytes data) const noexcept { return tls_answer_session(conn(), data.data(), data.size()); }
    tls_status_t is_not_there() const noexcept { return tls_answer_session(conn(), nullptr, 0); }
};

/// The open question; std::monostate if none is open.
using any_question = std::variant<std::monostate, ask_context, ask_verify, ask_sign, ask_identity, ask_session>;

/// One TLS connection, or one of two halves (tls_conn_t).
class connection : public detail::owner<tls_conn_t, tls_free> {
  public:
    using owner::owner;

    tls_status_t advance() noexcept { return tls_advance(get()); }
    tlsbio::state state() const noexcept { return tlsbio::state(tls_state(get())); }
    /// What ended it (tls_conn_error).
    tlsbio::error error() const noexcept
    {
        tlsbio::error why;
        tls_status_t told = tls_conn_error(get(), why.get());
        return told == TLS_OK ? why : tlsbio::error(told);
    }

    // Wire bytes in.
    moved feed(bytes wire) noexcept { return moved(tls_feed(get(), wire.data(), wire.size())); }
    tls_status_t feed_eof() noexcept { return tls_feed_eof(get()); }
    /// Memory to receive into; commit() says how much came (tls_feed_window).
    result<writable_bytes> window(std::size_t want = 0) noexcept
    {
        void *start = nullptr;
        std::size_t size = 0;
        tls_status_t status = tls_feed_window(get(), want, &start, &size);
        if (status != TLS_OK)
            return tlsbio::error(status);
        return writable_bytes(static_cast<std::byte *>(start), size);
    }
    tls_status_t commit(std::size_t count) noexcept { return tls_feed_commit(get(), count); }
    /// With TLS_OK the buffer is the connection's, and `from` holds none; else it is as it was (tls_feed_buffer).
    tls_status_t feed(buffer &from, std::size_t count) noexcept
    {
        tls_status_t status = tls_feed_buffer(get(), from.get(), count);
        if (status == TLS_OK)
            from.release();
        return status;
    }
    std::size_t feed_needed() const noexcept { return moved(tls_feed_needed(get())).count(); }

    // Wire bytes out.
    moved drain(writable_bytes wire) noexcept { return moved(tls_drain_into(get(), wire.data(), wire.size())); }
    /// What is queued, where it is; empty if nothing is (tls_drain_peek).
    bytes peek() noexcept
    {
        const void *wire = nullptr;
        std::size_t size = 0;
        if (tls_drain_peek(get(), &wire, &size) != TLS_OK)
            return {};
        return bytes(static_cast<const std::byte *>(wire), size);
    }
    tls_status_t consume(std::size_t count) noexcept { return tls_drain_consume(get(), count); }
    /// What is queued, with its memory; an empty buffer if nothing is (tls_drain_take).
    buffer take() noexcept
    {
        const void *wire = nullptr;
        std::size_t size = 0;
        return buffer(tls_drain_take(get(), &wire, &size));
    }
    std::size_t pending() const noexcept { return moved(tls_drain_pending(get())).count(); }

    // Plain bytes.
    moved read(writable_bytes plain) noexcept { return moved(tls_read_into(get(), plain.data(), plain.size())); }
    moved write(bytes plain) noexcept { return moved(tls_write_from(get(), plain.data(), plain.size())); }
    moved write(std::string_view plain) noexcept { return write(bytes_of(plain)); }
    moved write(span<const tls_iovec_t> pieces) noexcept
    {
        return moved(tls_write_vectored(get(), pieces.data(), pieces.size()));
    }
    std::size_t writable() const noexcept { return moved(tls_writable(get())).count(); }
    tls_status_t close_notify() noexcept { return tls_close_notify(get()); }
    /// Ends an established connection with an alert; the count is of the bytes in front of it (tls_refuse).
    moved refuse(std::uint8_t alert) noexcept { return moved(tls_refuse(get(), alert)); }
    /// Decrypts where the bytes are; the count is that of `spans` (tls_read_in_place).
    moved read_in_place(writable_bytes wire, span<tls_span_t> spans, std::size_t &consumed) noexcept
    {
        return moved(tls_read_in_place(get(), wire.data(), wire.size(), spans.data(), spans.size(), &consumed));
    }
    /// Encrypts into `wire`; the count is of its bytes (tls_write_into).
    moved write_into(bytes plain, writable_bytes wire, std::size_t &consumed) noexcept
    {
        return moved(tls_write_into(get(), plain.data(), plain.size(), wire.data(), wire.size(), &consumed));
    }

    // Facts. Those of text are put into the program's memory, of which the view is the part that was used.
    std::string_view sni(span<char> room) const noexcept
    {
        return text(tls_sni(get(), room.data(), room.size()), room.data(), room.empty() ? 0 : room.size() - 1);
    }
    std::string_view alpn(span<char> room) const noexcept
    {
        return text(tls_alpn(get(), room.data(), room.size()), room.data(), room.size());
    }
    std::string sni() const { return made([this](void *to, std::size_t n) { return tls_sni(get(), static_cast<char *>(to), n); }); }
    std::string alpn() const { return made([this](void *to, std::size_t n) { return tls_alpn(get(), to, n); }); }
    /// In DER; empty behind the last one.
    std::vector<std::byte> peer_certificate(std::size_t index = 0) const
    {
        return detail::copied(
            [this, index](void *to, std::size_t room) { return tls_peer_certificate(get(), index, to, room); });
    }
    std::uint16_t protocol_version() const noexcept { return tls_protocol_version(get()); }
    std::uint16_t cipher_suite() const noexcept { return tls_cipher_suite(get()); }
    std::uint16_t group() const noexcept { return tls_group(get()); }
    bool resumed() const noexcept { return tls_resumed(get()) == 1; }
    tls_counters_t counters() const noexcept
    {
        tls_counters_t counters = TLS_COUNTERS_INIT;
        tls_counters(get(), &counters);
        return counters;
    }

    /// For std::visit. It stands as long as advance() answers its status.
    any_question question() noexcept
    {
        switch (tls_advance(get())) {
        case TLS_ASK_CONTEXT: return ask_context(get());
        case TLS_ASK_VERIFY: return ask_verify(get());
        case TLS_ASK_SIGN: return ask_sign(get());
        case TLS_ASK_IDENTITY: return ask_identity(get());
        case TLS_ASK_SESSION: return ask_session(get());
        default: return std::monostate();
        }
    }
    std::optional<tls_event_t> next_event() noexcept
    {
        tls_event_t event = TLS_EVENT_INIT;
        if (tls_next_event(get(), &event) < 0 || event.kind == 0)
            return std::nullopt;
        return event;
    }
    tls_status_t key_update() noexcept { return tls_key_update(get()); }
    /// This becomes the receiving half; the answer is the sending one (tls_split).
    result<connection> split() noexcept
    {
        tlsbio::error why;
        connection sending(tls_split(get(), why.get()));
        return sending ? result<connection>(std::move(sending)) : result<connection>(why);
    }
    result<session> take_session() noexcept
    {
        tlsbio::error why;
        session taken(tls_session_take(get(), why.get()));
        return taken ? result<session>(std::move(taken)) : result<session>(why);
    }

  private:
    static std::string_view text(std::ptrdiff_t size, const char *start, std::size_t most) noexcept
    {
        std::size_t length = size > 0 ? static_cast<std::size_t>(size) : 0;
        return std::string_view(start, length < most ? length : most);
    }
    template <typename Copy> static std::string made(Copy copy)
    {
        std::string fact;
        for (std::ptrdiff_t size = copy(nullptr, 0); size > static_cast<std::ptrdiff_t>(fact.size());) {
            // One more, for a NUL that is cut off again.
            fact.resize(static_cast<std::size_t>(size) + 1);
            size = copy(&fact[0], fact.size());
            fact.resize(static_cast<std::size_t>(size > 0 ? size : 0));
        }
        return fact;
    }
};

/// What connections share (tls_context_t). Used from any number of threads.
class context : public detail::owner<tls_context_t, tls_context_free> {
  public:
    using owner::owner;

    /// A client's connection to the server of that name (tls_client_new).
    result<connection> connect(const char *server_name) const noexcept
    {
        error why;
        return made(tls_client_new(get(), server_name, why.get()), why);
    }
    result<connection> connect(const std::string &server_name) const noexcept { return connect(server_name.c_str()); }
    /// With options that begin as TLS_CLIENT_OPTIONS_INIT (tls_client_new_with).
    result<connection> connect(const tls_client_options_t &options) const noexcept
    {
        error why;
        return made(tls_client_new_with(get(), &options, why.get()), why);
    }
    /// A server's connection (tls_server_new).
    result<connection> accept() const noexcept
    {
        error why;
        return made(tls_server_new(get(), why.get()), why);
    }
    /// A buffer to receive into; an empty one if that cannot be (tls_buffer_new).
    buffer make_buffer(std::size_t want = 0) const noexcept { return buffer(tls_buffer_new(get(), want)); }
    tls_buffers_t buffers() const noexcept
    {
        tls_buffers_t buffers = TLS_BUFFERS_INIT;
        tls_context_buffers(get(), &buffers);
        return buffers;
    }
    std::size_t worst_case() const noexcept { return tls_context_worst_case(get()); }

  private:
    friend result<connection> accept_asking() noexcept;
    static result<connection> made(tls_conn_t *conn, const error &why) noexcept
    {
        return conn ? result<connection>(connection(conn)) : result<connection>(why);
    }
};

/// A server's connection that asks for its context (tls_server_new with NULL).
inline result<connection> accept_asking() noexcept
{
    error why;
    return context::made(tls_server_new(nullptr, why.get()), why);
}

/// A recipe for contexts (tls_builder_t). What has no function here is set by tlsbio.h's, with get(), and joins in the same way.
class builder : public detail::owner<tls_builder_t, tls_builder_free> {
  public:
    builder() noexcept : owner(tls_builder_new()) {}

    builder &identity_pem(std::string_view chain, std::string_view key) noexcept
    {
        return told(tls_builder_identity_pem(get(), chain.data(), chain.size(), key.data(), key.size()));
    }
    builder &identity_file(const char *chain, const char *key) noexcept
    {
        return told(tls_builder_identity_file(get(), chain, key));
    }
    builder &identity_external(std::string_view chain) noexcept
    {
        return told(tls_builder_identity_external(get(), chain.data(), chain.size()));
    }
    builder &trust_pem(std::string_view pem) noexcept
    {
        return told(tls_builder_trust_pem(get(), pem.data(), pem.size()));
    }
    builder &trust_file(const char *path) noexcept { return told(tls_builder_trust_file(get(), path)); }
    builder &trust_system() noexcept { return told(tls_builder_trust_system(get())); }
    /// A list as on the wire: each name behind its length (RFC 7301).
    builder &alpn(std::string_view wire) noexcept
    {
        return told(tls_builder_alpn(get(), wire.data(), wire.size()));
    }
    builder &versions(std::uint16_t least, std::uint16_t most) noexcept
    {
        return told(tls_builder_versions(get(), least, most));
    }
    builder &client_auth(std::int32_t mode) noexcept { return told(tls_builder_client_auth(get(), mode)); }
    builder &verify(std::int32_t mode) noexcept { return told(tls_builder_verify(get(), mode)); }
    builder &ask_context(std::int32_t mode = 1) noexcept { return told(tls_builder_ask_context(get(), mode)); }
    builder &ask_identity(std::int32_t mode = 1) noexcept { return told(tls_builder_ask_identity(get(), mode)); }
    builder &ask_session(std::int32_t mode = 1) noexcept { return told(tls_builder_ask_session(get(), mode)); }
    builder &limits(std::size_t inbound, std::size_t outbound) noexcept
    {
        return told(tls_builder_limits(get(), inbound, outbound));
    }
    builder &pool(std::size_t size) noexcept { return told(tls_builder_pool(get(), size)); }
    builder &events(std::uint32_t mask) noexcept { return told(tls_builder_events(get(), mask)); }

    /// What the last call said; client() and server() tell the first failure of all.
    tls_status_t last() const noexcept { return last_; }
    tls_status_t clear_error() noexcept { return tls_builder_clear_error(get()); }

    result<context> client() const noexcept
    {
        error why;
        return made(tls_context_client(get(), why.get()), why);
    }
    result<context> server() const noexcept
    {
        error why;
        return made(tls_context_server(get(), why.get()), why);
    }

  private:
    static result<context> made(tls_context_t *handle, const error &why) noexcept
    {
        return handle ? result<context>(context(handle)) : result<context>(why);
    }
    builder &told(tls_status_t status) noexcept
    {
        last_ = status;
        return *this;
    }
    tls_status_t last_ = TLS_OK;
};

inline tls_status_t ask_context::answer(const context &chosen) const noexcept
{
    return tls_answer_context(conn(), chosen.get());
}

inline tls_status_t ask_identity::answer(const context &with_identity) const noexcept
{
    return tls_answer_identity(conn(), with_identity.get());
}

} // namespace tlsbio

#endif // TLSBIO_HPP

// An echo server on Boost.Asio. tls_stream is an AsyncReadStream and an AsyncWriteStream over a TCP socket: whatever is written for those
// runs over it, with any completion token. Here that is asio::async_read, asio::async_write and coroutines.
//
// Asio works by completion, so what it receives into and what it sends from is memory that the stream owns meanwhile
// (tlsbio::buffer): a stream that ends takes none from under a transfer.
#include <array>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <utility>

#include <boost/asio.hpp>

#include <tlsbio.hpp>

extern "C" {
#include "echo.h"
}

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

class tls_stream {
  public:
    using executor_type = tcp::socket::executor_type;

    tls_stream(tcp::socket socket, tlsbio::connection conn, const tls_context_t *context)
        : socket_(std::move(socket)), conn_(std::move(conn)), context_(context)
    {
    }

    executor_type get_executor() { return socket_.get_executor(); }
    tcp::socket &next_layer() { return socket_; }

    /// The peer's close_notify is asio::error::eof; an end without it is connection_aborted.
    template <typename Buffers, typename Token>
    auto async_read_some(const Buffers &buffers, Token &&token)
    {
        asio::mutable_buffer plain = *asio::buffer_sequence_begin(buffers);
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto handler, asio::mutable_buffer into) { start(read(into), std::move(handler)); }, token, plain);
    }

    template <typename Buffers, typename Token>
    auto async_write_some(const Buffers &buffers, Token &&token)
    {
        asio::const_buffer plain = *asio::buffer_sequence_begin(buffers);
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto handler, asio::const_buffer from) { start(write(from), std::move(handler)); }, token, plain);
    }

    /// Sends close_notify, or the alert that is queued.
    asio::awaitable<void> close()
    {
        conn_.close_notify();
        co_await send();
        error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
    }

  private:
    template <typename Handler> void start(asio::awaitable<std::size_t> work, Handler handler)
    {
        // Whoever waits runs where it wants to run.
        auto executor = asio::get_associated_executor(handler, get_executor());
        asio::co_spawn(get_executor(), std::move(work),
                       asio::bind_executor(executor, [handler = std::move(handler)](std::exception_ptr failed,
                                                                                    std::size_t count) mutable {
                           std::move(handler)(failed ? code_of(failed) : error_code(), count);
                       }));
    }

    static error_code code_of(std::exception_ptr failed)
    {
        try {
            std::rethrow_exception(failed);
        } catch (const boost::system::system_error &error) {
            return error.code();
        } catch (...) {
            return asio::error::fault;
        }
    }

    asio::awaitable<std::size_t> read(asio::mutable_buffer into)
    {
        tlsbio::writable_bytes plain(static_cast<std::byte *>(into.data()), into.size());
        for (;;) {
            tlsbio::moved got = conn_.read(plain);
            // Answers of the handshake, alerts.
            co_await send();
            if (got)
                co_return got.count();
            if (got.status() == TLS_CLOSED)
                throw boost::system::system_error(asio::error::eof);
            if (got.status() != TLS_WANT_FEED && got.status() != TLS_WANT_DRAIN)
                throw boost::system::system_error(asio::error::connection_aborted);
            co_await receive();
        }
    }

    asio::awaitable<std::size_t> write(asio::const_buffer from)
    {
        for (;;) {
            tlsbio::moved taken = conn_.write(tlsbio::bytes(static_cast<const std::byte *>(from.data()), from.size()));
            co_await send();
            if (taken)
                co_return taken.count();
            if (taken.status() == TLS_WANT_FEED)
                co_await receive();
            else if (taken.status() != TLS_WANT_DRAIN)
                throw boost::system::system_error(asio::error::connection_aborted);
        }
    }

    asio::awaitable<void> receive()
    {
        tlsbio::buffer room(tls_buffer_new(context_, 16384));
        tlsbio::writable_bytes memory = room.memory();
        error_code failed;
        std::size_t got = co_await socket_.async_read_some(asio::buffer(memory.data(), memory.size()),
                                                           asio::redirect_error(asio::use_awaitable, failed));
        if (failed || conn_.feed(room, got) != TLS_OK)
            conn_.feed_eof();
    }

    /// All that is queued, unless another call of this stream is sending: that one sends it, too.
    asio::awaitable<void> send()
    {
        if (std::exchange(sending_, true))
            co_return;
        error_code failed;
        while (tlsbio::buffer wire = conn_.take()) {
            tlsbio::writable_bytes memory = wire.memory();
            co_await asio::async_write(socket_, asio::buffer(memory.data(), memory.size()),
                                       asio::redirect_error(asio::use_awaitable, failed));
            if (failed)
                break;
        }
        sending_ = false;
        if (failed)
            throw boost::system::system_error(failed);
    }

    tcp::socket socket_;
    tlsbio::connection conn_;
    const tls_context_t *context_;
    bool sending_ = false;
};

static unsigned alive;

static asio::awaitable<void> echo(tcp::socket socket, const tls_context_t *context)
{
    alive++;
    tls_stream stream(std::move(socket), tlsbio::connection(tls_server_new(context, nullptr)), context);
    std::array<char, 16384> plain;
    error_code ended;
    while (!ended) {
        std::size_t got =
            co_await stream.async_read_some(asio::buffer(plain), asio::redirect_error(asio::use_awaitable, ended));
        if (!ended)
            co_await asio::async_write(stream, asio::buffer(plain.data(), got),
                                       asio::redirect_error(asio::use_awaitable, ended));
    }
    try {
        co_await stream.close();
    } catch (const boost::system::system_error &) {
        // The peer is gone, and hears of nothing any more.
    }
    alive--;
}

static asio::awaitable<void> accept(tcp::acceptor &acceptor, const tls_context_t *context)
{
    for (;;) {
        error_code failed;
        tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, failed));
        if (!failed)
            asio::co_spawn(acceptor.get_executor(), echo(std::move(socket), context), asio::detached);
    }
}

int main(int argc, char **argv)
{
    echo_server server = echo_begin(argc, argv);
    {
        asio::io_context loop(1);
        tcp::acceptor acceptor(loop, tcp::v4(), server.listener);
        asio::signal_set signals(loop, SIGTERM);
        signals.async_wait([&](error_code, int) { loop.stop(); });
        asio::co_spawn(loop, accept(acceptor, server.context), asio::detached);
        loop.run();
    }
    echo_end(&server, alive);
}

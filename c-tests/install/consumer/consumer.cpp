// A program of somebody else in C++, who has only what was installed.
#include <iostream>

#include <tlsbio.hpp>

int main()
{
    tlsbio::builder recipe;
    tlsbio::result<tlsbio::context> context = recipe.verify(TLS_VERIFY_DANGEROUS_NONE).client();
    if (!context) {
        std::cerr << context.failure().message() << '\n';
        return 1;
    }
    std::cout << tls_status_name(context.status()) << '\n';
}

// GRADMINT_ADDRESS_SANITIZER and GRADMINT_THREAD_SANITIZER: whether this file is compiled under
// one, by GCC or by clang, which say it in different ways.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define GRADMINT_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GRADMINT_ADDRESS_SANITIZER 1
#endif
#endif
#ifndef GRADMINT_ADDRESS_SANITIZER
#define GRADMINT_ADDRESS_SANITIZER 0
#endif

#if defined(__SANITIZE_THREAD__)
#define GRADMINT_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GRADMINT_THREAD_SANITIZER 1
#endif
#endif
#ifndef GRADMINT_THREAD_SANITIZER
#define GRADMINT_THREAD_SANITIZER 0
#endif

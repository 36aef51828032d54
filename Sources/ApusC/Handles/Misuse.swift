#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What a program does that no function of the API can answer: it is told so, and ends, before
/// anything worse happens.
enum Misuse {
    /// Ends the process. `caller` is the function of the API that was called wrongly.
    static func stop(_ caller: String, _ what: String) -> Never {
        let text = "apus: \(caller): \(what)\n"
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            // SAFETY: the bytes are there during the call.
            let written = unsafe bytes.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
            if written <= 0 { break }
            bytes = bytes.dropFirst(written)
        }
        abort()
    }

    /// The name of a function of the API, of what `#function` says in it.
    static func name(_ function: StaticString) -> String {
        String(function.description.prefix { $0 != "(" })
    }
}

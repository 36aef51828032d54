internal import ApusFormat

/// Why a call of a sandbox's guest was not made, or its result is of no use.
public enum SandboxError: Error, Hashable, Sendable {
    /// The guest has trapped before, and the sandbox is not to be used again.
    case quarantined(reason: String)
    /// An argument does not fit the function's parameters.
    case argument(function: String, position: Int, reason: String)
    /// The function gives something else than was asked for.
    case result(function: String, reason: String)
    /// The guest exports no function that allocates memory: `cabi_realloc`, `malloc`, `allocate`
    /// or `alloc`.
    case noAllocator
    /// The guest's allocator has no room for so many bytes.
    case allocationFailed(bytes: Int)
    /// A function of the host has called the sandbox whose guest waits for that function: both
    /// would wait for ever.
    case waitsForItself
}

extension SandboxError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .quarantined(let reason): "the sandbox is in quarantine: \(reason)"
        case .argument(let function, let position, let reason):
            "argument \(position) of \"\(PrintableText.name(function))\": \(reason)"
        case .result(let function, let reason):
            "result of \"\(PrintableText.name(function))\": \(reason)"
        case .noAllocator: "the guest exports no allocator"
        case .allocationFailed(let bytes): "the guest has no room for \(bytes) bytes"
        case .waitsForItself: "a function that the guest waits for has called its sandbox"
        }
    }
}

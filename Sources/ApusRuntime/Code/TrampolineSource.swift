public import ApusABI
public import ApusFormat

/// A piece of code that joins compiled code and the runtime (`docs/abi.md`).
public enum TrampolineKind: Hashable, Sendable {
    /// Enters functions of this type from the host.
    case entry(FunctionType, ArgumentLayout)
    /// Calls host functions of this type from wasm.
    case host(FunctionType, ArgumentLayout)
    /// Calls runtime functions from wasm.
    case runtimeCall
    /// Leaves wasm with the pending trap.
    case trapExit
    /// Where functions return to that another instance has tail-called.
    case tailReturn
    /// Makes objects for compiled code that has no room for them.
    case allocate
    /// Has a function compiled whose stub has been called, and goes on there.
    case compile
    /// Goes on at the address that lies `distance` bytes behind the trampoline's own start, and
    /// changes nothing that a function can see. From `compileEntry` on it calls the address that
    /// lies `compileDistance` bytes behind its start. 16 bytes, of which number 8 to 11 are that
    /// distance, counted from the next instruction.
    case linkage(distance: Int32, compileDistance: Int32)

    /// Where in a `linkage` the second part begins.
    public static var compileEntry: Int { 6 }
}

/// Who makes trampolines: the runtime runs code and makes none.
public protocol TrampolineSource: Sendable {
    /// Position-independent code of all `kinds`, and where each of them starts in it. Host
    /// trampolines call `hostCall`, the address of `void (apus_context *, uint64_t *)`; the trap
    /// exit calls `trapLeave`, the address of `void (apus_store_context *, apus_context *)`.
    func trampolines(
        _ kinds: [TrampolineKind], hostCall: UInt, trapLeave: UInt
    ) -> (code: [UInt8], offsets: [Int])

    /// How much a host trampoline takes from the stack pointer with its first instruction.
    func hostFrameBytes(_ type: FunctionType, _ layout: ArgumentLayout) -> Int32
}

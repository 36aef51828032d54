public import ApusFormat
internal import ApusRuntime

/// A function that is called with its arguments in cells, whatever its type: argument `n` is in
/// cell `n` before the call, result `n` there afterwards; a v128 takes two.
///
/// Arguments of 32 bits are zero-extended. The bits of references are what the function's store
/// says (`Value.bits(in:)`): others would have a guest use what is not its own.
@_spi(ApusC)
public struct CellFunction {
    private let runtime: RuntimeStore
    private let target: CallTarget

    /// Looks up what a call takes.
    public init(_ function: Function) throws {
        runtime = try function.store.runtime
        target = try runtime.target(function.reference)
    }

    /// How many cells a call needs.
    public var cellCount: Int { target.cellCount }

    /// Calls the function. There must be at least `cellCount` cells.
    ///
    /// - Throws: `Trap` if the guest stops; whatever a host function throws, unchanged.
    public func call(_ cells: inout MutableSpan<UInt64>) throws {
        do {
            try runtime.call(target, &cells)
        } catch {
            throw ofEmbedder(error, runtime)
        }
    }
}

extension Function {
    /// Makes a host function of any type that works on the cells of its call.
    @_spi(ApusWASI)
    public init(
        _ store: Store, _ type: FunctionType,
        cells body: @escaping (borrowing CellCall) throws -> Void
    ) throws {
        try self.init(
            store,
            host: HostClosure(type.parameters, type.results) { frame in
                try body(CellCall(frame))
            })
    }
}

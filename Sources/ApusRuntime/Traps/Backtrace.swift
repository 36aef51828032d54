internal import ApusFormat

/// The wasm functions that were running when a trap happened, innermost first, through host
/// functions that called back.
public struct Backtrace: Sendable {
    /// One function that had not returned.
    public struct Frame: Sendable {
        public var module: LoadedModule
        /// In the module's function index space.
        public var functionIndex: UInt32
        /// Offset of the instruction from the start of the function's body.
        public var bodyOffset: UInt32

        /// Offset of the instruction in the module's bytes.
        public var moduleOffset: Int {
            let body = Int(functionIndex) - module.module.importedFunctionCount
            guard body >= 0, body < module.module.bodies.count else { return 0 }
            return Int(module.module.bodies[body].start) + Int(bodyOffset)
        }

        /// The function's name, if the module has a name section that tells it.
        public var functionName: String? { module.functionName(Int(functionIndex)) }
    }

    public var frames: [Frame]
    /// Whether there were more frames than are recorded.
    public var isTruncated: Bool

    public init(frames: [Frame] = [], isTruncated: Bool = false) {
        self.frames = frames
        self.isTruncated = isTruncated
    }

    /// Adds the frames whose program counters are `counters`: return addresses, except that the
    /// first is a faulting instruction if `startsWithFault`.
    mutating func append(_ counters: Span<UInt>, startsWithFault: Bool) {
        for index in counters.indices {
            let address = counters[index]
            guard let module = CodeRegistry.shared.module(at: address),
                let place = module.place(
                    at: address, isReturnAddress: !(startsWithFault && index == 0))
            else { continue }
            frames.append(
                Frame(
                    module: module, functionIndex: place.functionIndex,
                    bodyOffset: place.bodyOffset))
        }
    }
}

extension Backtrace.Frame: CustomStringConvertible {
    /// “name (function 3, module offset 0x1f)”.
    public var description: String {
        let place =
            "function \(functionIndex), module offset 0x"
            + String(moduleOffset, radix: 16)
        guard let functionName else { return place }
        return "\(functionName) (\(place))"
    }
}

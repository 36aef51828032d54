internal import ApusCollections
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
        public var moduleOffset: Int

        /// The number of the store whose guest it was.
        public var store: UInt64
        /// The address of the context of the instance that it ran in, which is there as long as the
        /// store; 0 if that is not known, or nobody asks (`tracesInstances`).
        public var context: UInt

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

    /// What the first of the program counters of a trace is; all others are return addresses.
    enum Start {
        case returnAddress
        /// An instruction that is listed as one that can trap.
        case fault
        /// Any instruction.
        case anywhere
    }

    /// Adds the frames of `trace`, which guests of `store` have left.
    mutating func append(_ trace: Trace, startingAt start: Start, in store: RuntimeStore) {
        let isTracking = store.environment.configuration.tracesInstances
        var tracker = ContextTracker(trace, store.environment.trampolines.tailReturn)
        for (index, frame) in trace.frames.enumerated() {
            let code = CodeRegistry.shared.code(at: frame.counter)
            let start = index == 0 ? start : .returnAddress
            let context = isTracking ? tracker.context(of: frame, code?.image, start) : 0
            guard let code else { continue }
            let functions = FunctionDescriptors(code.image, code.module.module)
            for place in functions.places(at: frame.counter, start) {
                frames.append(
                    Frame(
                        module: code.module, functionIndex: place.code.functionIndex,
                        bodyOffset: place.code.bodyOffset,
                        moduleOffset: code.module.module.sourceOffset(of: place.moduleOffset),
                        store: store.number, context: context))
            }
        }
    }
}

extension FunctionDescriptors {
    fileprivate func places(at address: UInt, _ start: Backtrace.Start) -> [SourcePlace] {
        switch start {
        case .returnAddress: places(at: address, isReturnAddress: true)
        case .fault: places(at: address, isReturnAddress: false)
        case .anywhere: places(near: address)
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
        return "\(PrintableText.name(functionName)) (\(place))"
    }
}

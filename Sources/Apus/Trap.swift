public import ApusABI
internal import ApusFormat
internal import ApusRuntime

/// Why a guest stopped, and where it was.
///
/// A host function may throw one itself to stop the guest with a code of its choice.
public struct Trap: Error, Sendable {
    /// What happened; its description is the specification's text.
    public var code: TrapCode
    /// More about it, if there is more to say.
    public var message: String?
    /// The guest's functions that were running, innermost first.
    public var backtrace: [Frame]
    /// Whether there were more frames than `backtrace` has.
    public var isTruncated = false

    /// A trap for a host function to throw.
    public init(_ code: TrapCode, _ message: String? = nil) {
        self.code = code
        self.message = message
        backtrace = []
    }

    /// What the runtime tells of a trap.
    init(_ trap: WasmTrap) {
        code = trap.code
        backtrace = trap.backtrace.frames.map(Frame.init)
        isTruncated = trap.backtrace.isTruncated
    }

    /// One function of a guest that had not returned.
    public struct Frame: Sendable {
        /// The function's index in its module, imports included.
        public let function: Int
        /// Offset of the instruction in the module's bytes.
        public let offset: Int
        private let module: LoadedModule

        init(_ frame: Backtrace.Frame) {
            function = Int(frame.functionIndex)
            offset = frame.moduleOffset
            module = frame.module
        }

        /// The function's name in the module's name section, else the first it is exported under.
        public var name: String? {
            if let name = module.functionName(function) { return name }
            let index = UInt32(truncatingIfNeeded: function)
            return module.module.exports.first { $0.item == .function(index) }?.name
        }

        /// The function's name as it stands in its source, if `name` is one that a compiler of C++
        /// or Rust made of it; else `name`.
        public var sourceName: String? { name.map { DemangledName.of($0) ?? $0 } }
    }
}

extension Trap: CustomStringConvertible {
    /// How many frames of each end of a long backtrace are shown.
    private static var framesShown: Int { 20 }

    /// The specification's text, then a line for each frame, innermost first.
    public var description: String {
        var text = "trap: \(code)"
        if let message { text += ": \(message)" }
        let hidden = backtrace.count - 2 * Self.framesShown
        for (index, frame) in backtrace.enumerated() {
            if hidden <= 0 || index < Self.framesShown || index >= Self.framesShown + hidden {
                text += "\n  at \(frame)"
            } else if index == Self.framesShown {
                text += "\n  … \(hidden) more"
            }
        }
        if isTruncated { text += "\n  …" }
        return text
    }
}

extension Trap.Frame: CustomStringConvertible {
    /// The function and the place in its module, e.g. `divide (module+0x4f)`.
    public var description: String {
        let shown = sourceName.map(PrintableText.name) ?? "function \(function)"
        return "\(shown) (module+0x\(String(offset, radix: 16)))"
    }
}

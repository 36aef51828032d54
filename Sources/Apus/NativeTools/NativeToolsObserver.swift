internal import ApusABI
internal import ApusCollections
internal import ApusDWARF
internal import ApusFormat
internal import ApusRuntime

/// Tells native tools of an engine's code.
final class NativeToolsObserver: CodeObserver {
    private let configuration: Engine.Configuration
    private var tools: Engine.NativeTools { configuration.nativeTools }

    /// Nil if no tool is to be told.
    init?(_ configuration: Engine.Configuration) {
        if configuration.nativeTools.isEmpty { return nil }
        self.configuration = configuration
    }

    func codeAppeared(
        _ image: CodeImage, of module: LoadedModule
    ) -> (any CodeAnnouncement)? {
        let wantsPlaces = !tools.isDisjoint(with: [.debugger, .jitDump])
        var code = NativeCode(image, of: module, withPlaces: wantsPlaces)
        if tools.contains(.perfMap) { PerfMap.shared.add(code.functions) }
        if tools.contains(.jitDump) { JitDump.shared.add(code, image, of: module) }
        var object: [UInt8]?
        if tools.contains(.debugger) {
            // Variables of a unit are told of once, with the code of all functions.
            let isComplete = image.functionCount == module.module.bodies.count
            let withVariables = isComplete && image.tier == .baseline && image.isDebuggable
            if withVariables { code.addVariables(of: module.module, configuration) }
            object = DebuggerObject.make(
                code, module.sourceIndex, codeStart: module.module.codeSectionStart ?? 0,
                name: ModuleNames(module.module).moduleName ?? "module.wasm",
                withVariables: withVariables)
        }
        return announcement(code.functions, object)
    }

    func trampolinesAppeared(_ trampolines: [TrampolineCode]) -> (any CodeAnnouncement)? {
        let functions = trampolines.compactMap(NativeFunction.init)
        guard let first = functions.first, let last = functions.last else { return nil }
        if tools.contains(.perfMap) { PerfMap.shared.add(functions) }
        var object: [UInt8]?
        if tools.contains(.debugger) {
            var code = NativeCode(
                base: first.start, byteCount: last.start + last.byteCount - first.start)
            code.functions = functions
            object = DebuggerObject.make(
                code, nil, codeStart: 0, name: "trampolines", withVariables: false)
        }
        return announcement(functions, object)
    }

    private func announcement(
        _ functions: [NativeFunction], _ object: [UInt8]?
    ) -> (any CodeAnnouncement)? {
        let frames =
            tools.contains(.unwinding) ? CallFrames.exceptionFrames(of: functions) : nil
        if object == nil, frames == nil { return nil }
        return NativeRegistration(object: object, frames: frames)
    }
}

extension NativeFunction {
    /// A trampoline that calls something, whose frame is known.
    fileprivate init?(_ code: TrampolineCode) {
        let name: String
        let shape: FrameShape
        switch code.kind {
        case .entry(let type, _): (name, shape) = ("apus entry \(type)", .entry)
        case .host(let type, _):
            (name, shape) = ("apus host call \(type)", .host(bytes: code.hostFrameBytes))
        case .runtimeCall: (name, shape) = ("apus runtime call", .stub)
        case .allocate: (name, shape) = ("apus allocate", .function)
        case .compile: (name, shape) = ("apus compile", .function)
        case .trapExit, .tailReturn, .linkage: return nil
        }
        self.init(
            name: name, shape: shape, start: UInt64(code.start), byteCount: UInt64(code.byteCount))
    }
}

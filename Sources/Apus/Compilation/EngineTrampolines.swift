internal import ApusABI
internal import ApusAssembler
internal import ApusFormat
internal import ApusRuntime
internal import ApusTrampolines

/// Makes the trampolines that the runtime asks for.
struct EngineTrampolines: TrampolineSource {
    let isFuelMetered: Bool

    func hostFrameBytes(_ type: FunctionType, _ layout: ArgumentLayout) -> Int32 {
        Trampolines(isFuelMetered: isFuelMetered).hostFrameBytes(type, layout)
    }

    func trampolines(
        _ kinds: [TrampolineKind], hostCall: UInt, trapLeave: UInt
    ) -> (code: [UInt8], offsets: [Int]) {
        let trampolines = Trampolines(isFuelMetered: isFuelMetered)
        var buffer = CodeBuffer()
        let offsets = kinds.map { kind in
            switch kind {
            case .entry(let type, let layout):
                trampolines.makeEntry(type, layout, into: &buffer)
            case .host(let type, let layout):
                trampolines.makeHost(type, layout, hostCall: hostCall, into: &buffer)
            case .runtimeCall: trampolines.makeRuntimeCall(into: &buffer)
            case .trapExit: trampolines.makeTrapExit(trapLeave: trapLeave, into: &buffer)
            case .tailReturn: trampolines.makeTailReturn(into: &buffer)
            case .allocate: trampolines.makeAllocate(into: &buffer)
            case .compile: trampolines.makeCompile(into: &buffer)
            case .linkage(let distance, let compileDistance):
                trampolines.makeLinkage(
                    distance: distance, compileDistance: compileDistance, into: &buffer)
            }
        }
        let bytes = buffer.span
        return (bytes.indices.map { bytes[$0] }, offsets)
    }
}

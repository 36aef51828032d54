internal import ApusCollections
internal import ApusFormat
internal import ApusLocks

/// The images of a module's memories, made when its first instance is.
final class ModuleImages: Sendable {
    private enum State {
        case unmade
        case made([MemoryImage?])
        /// Not asked for again: instances would be made no faster by it.
        case refused
    }

    private let state: SystemMutex<State>

    /// Images that are made when they are needed, unless `ready` ones are there already: as many
    /// and as large as `template` wants.
    init(_ ready: [MemoryImage?] = [], for template: InstanceTemplate) {
        let isFitting =
            !ready.isEmpty && ready.map { $0?.byteCount ?? 0 } == template.imageBytes
        state = SystemMutex(isFitting ? .made(ready) : .unmade)
    }

    /// The image of each memory that the request's module defines; nil for those that begin empty,
    /// and for all if the system refuses: then each instance copies its data.
    func images(for request: InstanceAllocationRequest) -> [MemoryImage?]? {
        let template = request.module.template
        if !template.imageBytes.contains(where: { $0 > 0 }) {
            return template.imageBytes.map { _ in nil }
        }
        return state.withLock { state in
            if case .unmade = state {
                let images = try? Self.make(request, template)
                state = images.map(State.made) ?? .refused
            }
            guard case .made(let images) = state else { return nil }
            return images
        }
    }

    private static func make(
        _ request: InstanceAllocationRequest, _ template: InstanceTemplate
    ) throws(ResourceError) -> [MemoryImage?] {
        let imported = request.module.module.importedMemoryCount
        let bytes = request.dataBytes
        let segments = request.dataSegments
        var images: [MemoryImage?] = []
        for (index, byteCount) in template.imageBytes.enumerated() {
            if byteCount == 0 {
                images.append(nil)
                continue
            }
            let memory = UInt32(truncatingIfNeeded: imported + index)
            images.append(
                try MemoryImage(byteCount: byteCount) { writer throws(ResourceError) in
                    try write(bytes, segments, template, memory, to: writer)
                })
        }
        return images
    }

    private static func write(
        _ bytes: ByteStorage, _ segments: [DataSegment], _ template: InstanceTemplate,
        _ memory: UInt32, to writer: borrowing MemoryImage.Writer
    ) throws(ResourceError) {
        for segment in segments {
            guard let place = template.start(of: segment, in: memory) else { continue }
            try writer.write(bytes.span.extracting(segment.contents), at: place)
        }
    }
}

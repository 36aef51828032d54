internal import ApusCollections
internal import ApusFormat
internal import Synchronization

/// The images of a module's memories, made when its first instance is.
final class ModuleImages: Sendable {
    private enum State {
        case unmade
        case made([MemoryImage?])
        /// Not asked for again: instances would be made no faster by it.
        case refused
    }

    private let state = Mutex(State.unmade)

    /// The image of each memory that `module` defines; nil for those that begin empty, and for all
    /// if the system refuses: then each instance copies its data.
    func images(of module: LoadedModule) -> [MemoryImage?]? {
        let template = module.template
        if !template.imageBytes.contains(where: { $0 > 0 }) {
            return template.imageBytes.map { _ in nil }
        }
        return state.withLock { state in
            if case .unmade = state {
                let images = try? Self.make(module.module, template)
                state = images.map(State.made) ?? .refused
            }
            guard case .made(let images) = state else { return nil }
            return images
        }
    }

    private static func make(
        _ module: DecodedModule, _ template: InstanceTemplate
    ) throws(ResourceError) -> [MemoryImage?] {
        var images: [MemoryImage?] = []
        for (index, byteCount) in template.imageBytes.enumerated() {
            if byteCount == 0 {
                images.append(nil)
                continue
            }
            let memory = UInt32(truncatingIfNeeded: module.importedMemoryCount + index)
            images.append(
                try MemoryImage(byteCount: byteCount) { writer throws(ResourceError) in
                    try write(module, template, memory, to: writer)
                })
        }
        return images
    }

    private static func write(
        _ module: DecodedModule, _ template: InstanceTemplate, _ memory: UInt32,
        to writer: borrowing MemoryImage.Writer
    ) throws(ResourceError) {
        let bytes = module.bytes
        for segment in module.data where !segment.contents.isEmpty {
            guard case .active(memory, _) = segment.mode, let place = template.place(of: segment)
            else { continue }
            try writer.write(bytes.span.extracting(segment.contents), at: place)
        }
    }
}

import Foundation
import PackagePlugin

/// Lets the guest in a target's folder expand each of its files whose name ends in "+Cases".
@main
struct ExpandMacros: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        guard let target = target as? any SourceModuleTarget else { return [] }
        let tool = try context.tool(named: "ExpandTool")
        let guest = target.directoryURL.appending(path: "is-case.wasm")
        return target.sourceFiles(withSuffix: "+Cases.swift").map { file in
            let name = file.url.deletingPathExtension().lastPathComponent
            let output = context.pluginWorkDirectoryURL.appending(path: "\(name)+Expanded.swift")
            return .buildCommand(
                displayName: "Expanding \(name)", executable: tool.url,
                arguments: [guest.path(), file.url.path(), output.path()],
                inputFiles: [guest, file.url], outputFiles: [output])
        }
    }
}

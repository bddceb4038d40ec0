/** The public entry `nexus-mcp/tools`: everything a tool module needs. */
export { z } from 'zod';
export { defineTool } from './tool.ts';
export type { Isolation, LogLevel, Schema, ToolAnnotations, ToolContext, ToolDefinition } from './tool.ts';
export { accepted, content, elicit, failure, inputRequired, unavailable } from './result.ts';
export type { ContentBlock, InputRequest, InputRequired, ToolContent, ToolFailure } from './result.ts';
